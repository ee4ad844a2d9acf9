"""Two gateway processes on PostgreSQL and Redis, with one Rasa and one action server, as docs/deployment.md starts them."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from websockets.exceptions import ConnectionClosed

from core.database import Database
from core.models import Turn, TurnState
from tests.integration.test_citizen_api import check_problem, picture
from tests.integration.test_operator_api import Frames, open_socket
from tests.servers import Postgres, RedisServer
from tests.stack import ROOT, Citizen, OperatorClient, Stack, free_port, wait_for

QUESTION = "не приходит смс с кодом"
SOON = 1.0  # seconds
LEASE = 6.0


class Gateway(Stack):
    """One of several gateways."""

    def __init__(self, folder: Path, name: str, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.output = folder / f"{name}.txt"

    def start(self) -> None:
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )
        self.wait_until_ready()

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(40)

    def pid(self, _name: str = "gateway") -> int:
        assert self._process is not None
        return self._process.pid

    def states(self) -> dict[str, str]:
        return dict(httpx.get(f"{self.url}/readyz", timeout=10, trust_env=False).json()["dependencies"])


class Site:
    """Both gateways and what they share."""

    def __init__(self, folder: Path, postgres: Postgres, database: str, redis_server: RedisServer) -> None:
        self.postgres, self.database, self.redis = postgres, database, redis_server
        self._rasa_port = free_port()
        self._engine: list[subprocess.Popen[bytes]] = []
        settings = {
            "OTKLIK_RASA_URL": f"http://127.0.0.1:{self._rasa_port}",
            "OTKLIK_RASA_TOKEN": "a-long-random-word",
            "OTKLIK_ACTION_URL": f"http://127.0.0.1:{free_port()}",
            "OTKLIK_DATABASE_URL": postgres.url(database),
            "OTKLIK_REDIS_URL": redis_server.url,
            "OTKLIK_ENGINE_TIMEOUT_SECONDS": str(LEASE - 1),
            "OTKLIK_TURN_LEASE_SECONDS": str(LEASE),
        }
        self.a, self.b = Gateway(folder, "a", **settings), Gateway(folder, "b", **settings)

    def start(self, index: Path) -> None:
        shutil.copytree(index, self.a.data_dir / "index", symlinks=True)  # the same articles: nothing to build
        subprocess.run([sys.executable, "-m", "bot", "prepare"], cwd=ROOT, env=self.a.environment, check=True, timeout=300)
        rasa = f".venv-rasa/bin/python -m nlu.serve --port {self._rasa_port} --model models/otklik.tar.gz".split()
        environment = {"PYTHONPATH": ".", "OTKLIK_RASA_TRACKER": str(self.a.data_dir / "tracker.db"), "RASA_TELEMETRY_ENABLED": "false"}
        for command in ([sys.executable, "-m", "actions"], rasa):
            with (self.a.data_dir.parent / "engine.txt").open("ab") as output:
                self._engine.append(subprocess.Popen(command, cwd=ROOT, env=self.a.environment | environment, stdout=output, stderr=output))
        self.a.start()
        self.b.start()

    def kill(self) -> None:
        self.a.kill()
        self.b.kill()
        for process in self._engine:
            process.kill()
            process.wait(20)

    @contextlib.contextmanager
    def frozen_rasa(self) -> Iterator[None]:
        rasa = self._engine[-1]
        rasa.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            rasa.send_signal(signal.SIGCONT)

    def wait_until_ready(self) -> None:
        self.a.wait_until_ready()
        self.b.wait_until_ready()

    def at_b(self, citizen: Citizen) -> Citizen:
        """The same citizen on another page, which the other gateway serves."""
        there = object.__new__(Citizen)
        there.stack, there.id, there.token, there.path = self.b, citizen.id, citizen.token, citizen.path
        there.http = httpx.Client(base_url=self.b.url, timeout=40, trust_env=False, headers={"Authorization": f"Bearer {citizen.token}"})
        return there


@pytest.fixture(scope="module")
def running_site(
    running_stack: Stack, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, redis_server: RedisServer
) -> Iterator[Site]:
    running_stack.wait_until_ready()
    with postgres.database() as database:
        site = Site(tmp_path_factory.mktemp("gateways"), postgres, database, redis_server)
        try:
            site.start(running_stack.data_dir / "index")
            yield site
        finally:
            site.kill()


@pytest.fixture
def site(running_site: Site) -> Site:
    running_site.wait_until_ready()
    return running_site


def soon(frames: Frames, act: Callable[[], Any], kind: str, **fields: Any) -> None:
    """What ``act`` does here is seen there within a second."""
    act()
    begun = time.monotonic()
    frames.wait(kind, **fields)
    assert time.monotonic() - begun < SOON, (kind, fields)


def send(frames: Frames, **frame: Any) -> None:
    frames.socket.send(json.dumps(frame))


def test_a_conversation_goes_on_between_two_gateways(site: Site) -> None:
    citizen, operator = site.a.citizen(), site.b.operator()
    with (
        open_socket(site.a, f"{citizen.path}/ws", {"token": citizen.token}) as page,
        open_socket(site.b, "/api/operator/ws", {"token": operator.token}) as console,
    ):
        mine, theirs = Frames(page), Frames(console)
        theirs.wait("queue")
        send(mine, type="message", client_message_id="w1", text="позовите оператора")
        soon(theirs, lambda: mine.wait("mode", mode="queued"), "queue", waiting=citizen.id)
        send(theirs, type="watch", conversation_id=citizen.id, after=0)
        theirs.wait("message", seq=1)
        theirs.wait("mode", mode="queued", conversation_id=citizen.id)

        soon(mine, lambda: operator.claim(citizen.id), "mode", mode="operator", operator_name="Дежурный")
        soon(mine, lambda: send(theirs, type="typing", conversation_id=citizen.id), "typing", author="operator")
        soon(mine, lambda: operator.reply(citizen.id, "Здравствуйте"), "message", author="operator", text="Здравствуйте")
        soon(theirs, lambda: send(mine, type="typing"), "typing", author="citizen")
        soon(theirs, lambda: send(mine, type="message", client_message_id="w2", text="Вот"), "message", author="citizen", text="Вот")
        soon(theirs, lambda: send(mine, type="read", seq=5), "read", seq=5)
        mine.seen.clear()
        soon(mine, lambda: operator.call(citizen.id, "return-to-bot"), "mode", mode="bot")
        seqs = [frame["message"]["seq"] for frame in theirs.seen if frame["type"] == "message"]
        assert seqs == list(range(1, len(seqs) + 1))


def test_a_turn_begun_at_one_gateway_is_shown_at_the_other(site: Site) -> None:
    citizen = site.a.citizen()
    with open_socket(site.b, f"{citizen.path}/ws", {"token": citizen.token}) as page:
        other_page = Frames(page)
        other_page.wait("mode", mode="bot")
        sent = citizen.send(QUESTION)
        other_page.wait("typing", author="bot")
        other_page.wait("message", in_reply_to=sent["seq"], author="bot")
        other_page.wait("answered", seq=sent["seq"])


def test_messages_sent_through_both_are_answered_in_order_once(site: Site) -> None:
    here = site.a.citizen()
    there = site.at_b(here)
    sent = [(here, there)[number % 2].send("привет")["seq"] for number in range(8)]
    here.wait_until_answered()
    answers = [message for message in there.messages() if message["in_reply_to"]]
    assert [answer["in_reply_to"] for answer in answers] == sent
    assert [message["seq"] for message in there.messages()] == list(range(1, 18))


def test_the_same_message_sent_to_both_is_one(site: Site) -> None:
    here = site.a.citizen()
    there = site.at_b(here)
    answers = [
        each.http.post(f"{here.path}/messages", json={"client_message_id": "same", "text": "привет"}) for each in (here, there, here)
    ]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_file_taken_by_one_is_handed_out_by_the_other(site: Site) -> None:
    here = site.a.citizen()
    there = site.at_b(here)
    uploaded = here.upload("снимок.png", picture())
    assert uploaded.status_code == 201, uploaded.text
    attachment_id = uploaded.json()["id"]
    there.send("вот снимок", attachment_ids=[attachment_id])
    files = [there.http.get(f"{here.path}/attachments/{attachment_id}"), here.http.get(f"{here.path}/attachments/{attachment_id}")]
    assert [file.status_code for file in files] == [200, 200]
    assert files[0].content == files[1].content


def test_a_turn_whose_gateway_is_killed_is_finished_by_the_other(site: Site) -> None:
    citizen = site.a.citizen()
    there = site.at_b(citizen)
    database = Database(site.postgres.url(site.database))

    def state(session: Session) -> TurnState:
        return session.scalars(select(Turn.state).where(Turn.conversation_id == uuid.UUID(citizen.id))).one()

    try:
        with site.frozen_rasa():
            with site.b.frozen("gateway"):  # so that it is the other one that takes the turn
                sent = citizen.send(QUESTION)
                wait_for("the turn to be taken", lambda: database.read(state) == TurnState.RUNNING)
            site.a.kill()
        there.wait_until_answered(LEASE + 60)
        replies = [message["meta"]["kind"] for message in there.messages() if message["in_reply_to"] == sent["seq"]]
        assert [kind for kind in replies if kind != "notice"] == ["answer"]
    finally:
        database.close()
        site.a.start()


def test_a_gateway_that_stops_sends_its_people_to_the_other(site: Site) -> None:
    citizen = site.a.citizen()
    try:
        with open_socket(site.a, f"{citizen.path}/ws", {"token": citizen.token}) as page:
            Frames(page).wait("mode", mode="bot")
            site.a.stop()
            assert close_code(page) == 1012
        with open_socket(site.b, f"{citizen.path}/ws?after=1", {"token": citizen.token}) as page:
            there = Frames(page)
            send(there, type="message", client_message_id="w1", text=QUESTION)
            there.wait("message", author="bot", in_reply_to=2)
    finally:
        site.a.start()


def test_while_the_database_is_away_nothing_is_acknowledged(site: Site) -> None:
    citizen = site.a.citizen()
    body = {"client_message_id": "patient", "text": QUESTION}
    with open_socket(site.a, f"{citizen.path}/ws", {"token": citizen.token}) as page:
        Frames(page).wait("mode", mode="bot")
        with site.postgres.down(site.database):
            refused = citizen.http.post(f"{citizen.path}/messages", json=body)
            check_problem(refused, 503)
            assert refused.headers["retry-after"] == "5"
            check_problem(httpx.get(f"{site.b.url}{citizen.path}/messages", headers=citizen.http.headers, trust_env=False), 503)
            assert site.a.states()["database"] == site.b.states()["database"] == "down"
            page.send(json.dumps({"type": "message", "client_message_id": "w1", "text": "ау"}))
            assert close_code(page) == 1012
            with open_socket(site.a, f"{citizen.path}/ws", {"token": citizen.token}) as again:
                assert close_code(again) == 1012  # not "unknown conversation": the page comes back
    site.wait_until_ready()
    assert citizen.http.post(f"{citizen.path}/messages", json=body).status_code == 202
    citizen.wait_until_answered()
    assert [message["in_reply_to"] for message in citizen.messages()] == [None, None, 2]


def test_while_redis_is_away_gateways_look_by_themselves(site: Site) -> None:
    citizen, operator = site.a.citizen(), site.b.operator()
    citizen.say("позовите оператора")
    operator.claim(citizen.id)
    with open_socket(site.a, f"{citizen.path}/ws", {"token": citizen.token}) as page:
        mine = Frames(page)
        mine.wait("mode", mode="operator")
        site.redis.stop()
        try:
            wait_for("both to notice", lambda: site.a.states()["events"] == site.b.states()["events"] == "down")
            operator.reply(citizen.id, "Пишу без Redis")
            mine.wait("message", text="Пишу без Redis")
        finally:
            site.redis.begin()
        site.wait_until_ready()
        soon(mine, lambda: operator.reply(citizen.id, "И снова с ним"), "message", text="И снова с ним")


def close_code(socket: Any) -> int | None:
    """Reads on until the server has closed."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=20)
    code = socket.close_code
    return int(code) if code is not None else None


def test_an_operator_sees_one_queue_at_both(site: Site) -> None:
    citizen = site.a.citizen()
    citizen.say("позовите оператора")
    queues: list[OperatorClient] = [site.a.operator(), site.b.operator()]
    assert all(citizen.id in [item["conversation_id"] for item in operator.queue()] for operator in queues)
    queues[0].claim(citizen.id)
    assert [item["mode"] for operator in queues for item in operator.queue() if item["conversation_id"] == citizen.id] == ["operator"] * 2
