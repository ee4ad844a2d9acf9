"""What is kept from the dialogue engine as a name while a name is asked for, and what is not one."""

import pytest
import yaml

from core.settings import ROOT, Settings
from handoff.fields import looks_like_a_name, parse_full_name
from tests.data.personas import PERSONAS

FULL_NAMES = """
Иванов Иван Иванович; Смирнова Мария Петровна; Кузнецов Алексей; Попова Елена Викторовна; Соколов Дмитрий Юрьевич; Новикова Ольга
Морозов Артём Львович; Волкова Любовь Андреевна; Зайцев Лев Борисович; Белых Вера Ильинична; Черных Роман Фомич; Долгих Надежда
Гарифуллина Айсылу Ринатовна; Хабибуллин Ильдар Рафаэлевич; Шаймиев Минтимер; Сафин Марат Мубинович; Ахметова Зульфия Наилевна
Кадыров Рамзан Ахматович; Магомедов Магомед Магомедович; Гаджиева Патимат Шамильевна; Алиев Вагиф Мамед оглы; Мамедова Лейла Али кызы
Саакашвили Нино Георгиевна; Джугашвили Иосиф; Петросян Ашот Гагикович; Мкртчян Армен; Тер-Петросян Левон; Нурмагомедов Хабиб
Каримов Ислом; Рахмонов Эмомали Шарипович; Назарова Гульнара Бахтияровна; Абдуллаев Фаррух Улугбек угли; Токтогулов Бакыт Асан уулу
Ким Виктор Робертович; Цой Анита Сергеевна; Пак Ольга; Ли Сергей; Хан Татьяна Владимировна; Нгуен Ван Хай Линь; Доржиев Баир Цыренович
Рабинович Абрам Моисеевич; Коган Леонид; Шапиро Дина Львовна; Мельник Богдан; Шевченко Тарас Григорьевич; Коваль Оксана; Гуляй Пётр
Янукович Сергей; Лукашевич Янина; Фон Визин Денис Иванович; Мария де ла Крус; Салтыков-Щедрин Михаил; Римская-Корсакова Анна
О'Коннор Шинейд; Лук'янов Сергей; Непейвода Николай; Дай Мария Петровна; Стой Иван Петрович; Добрый Иван; Тихий Иван Петрович
Мороз Юлия; Заяц Ирина; Кот Василий; Бойко Инна; Живаго Юрий Андреевич; Путь Анна; Май Ирина; Мир Светлана; Жук Раиса; Свет Галина
John Smith; Maria Garcia Lopez; Jürgen Müller; Nguyen Van An; Solovyov Pyotr
"""

PARTS_AND_SLIPS = """
Лебедева; лебедева; Анна; Иванов И.И.; И. И. Иванов; Лебедева А; Лебедева1 Анна; Лебедева Анна 14.03.1985; Мороз; Айсылу
меня зовут Анна; Меня зовут Анна Лебедева, а по мужу Соловьёва, так в паспорте; ФИО: мороз алмаз; я Анна Лебедева
Здравствуйте, я Анна Лебедева; добрый день, меня зовут анна; фамилия Лебедева; это Лебедева Анна; Лебедева Анна anna@example.com
Ивонов Иван Ивонович; Лебедева-; Белый Мороз; Имя: Анна; Анна, просто Анна
"""

NOT_NAMES = """
отмена; Отмена.; отменить; отменить обращение; стоп; хватит; назад; меню; выход; выйти; начать сначала; заново; передумала
оператор; Оператор!; позовите оператора; позовите Анну Сергеевну; позовите человека; соедините со специалистом; живой человек; опиратор
не хочу; не буду; не скажу; не хочу говорить имя; нет; Нет.; неа; да; Да; ага; ок; да нет; согласна; конечно; всё верно
что это; зачем; зачем вам моё имя; почему; а зачем; как меня зовут; кто вы; куда это пойдёт; сколько ждать; можно без отчества
Вы кто?; Анна?; это обязательно?; Лебедева Анна это подойдёт?; здравствуйте; добрый день; привет; Здравствуйте.; алло; спасибо; пока
спасибо, Марина Сергеевна; помощь; справка; пропустить; дальше; ты бот; код подтверждения не приходит; как восстановить пароль
удалите мои данные; код подтверждения; статус заявления; где моё заявление; не работает портал; запись к врачу; меня зовут; я; имя
anna@example.com; +7 921 555-01-42; 112-233-445 95; 14.03.1985; pdsnils1; 12345; 😀; ...
"""


def listed(text: str) -> list[str]:
    return [item.strip() for line in text.strip().splitlines() for item in line.split(";")]


@pytest.mark.parametrize("text", [*listed(FULL_NAMES), *(persona.full_name for persona in PERSONAS)])
def test_a_full_name_is_a_name_in_any_case(shipped: Settings, text: str) -> None:
    assert looks_like_a_name(text)
    name = parse_full_name(text, shipped)
    assert name.lower() == text.lower()
    for written in (text.upper(), f"меня зовут {text.lower()}"):
        assert looks_like_a_name(written)
        assert parse_full_name(written, shipped).lower() == text.lower()


@pytest.mark.parametrize("text", listed(PARTS_AND_SLIPS))
def test_a_try_at_a_name_is_kept_as_one(text: str) -> None:
    assert looks_like_a_name(text)


@pytest.mark.parametrize("text", [*listed(NOT_NAMES), ""])
def test_questions_commands_greetings_and_answers_are_no_names(text: str) -> None:
    assert not looks_like_a_name(text)


def test_hardly_any_example_of_an_intent_is_taken_for_a_name() -> None:
    """Most of what is left are misspelled single words: they cost one more asking."""
    examples = []
    for file in sorted((ROOT / "nlu" / "data" / "intents").glob("*.yml")):
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            examples += [line.removeprefix("- ") for line in block["examples"].splitlines() if block["intent"] != "inform"]
    taken = [example for example in examples if looks_like_a_name(example)]
    assert len(examples) > 1500
    assert len(taken) / len(examples) < 0.06, taken
