// Words for the codes of the API. What is not listed is shown as it came.

const REASONS = {
  citizen_asked: "Просит оператора",
  no_answer: "Нет ответа в базе",
  engine_failed: "Сбой бота",
  not_built: "Бот этого не умеет",
  letter: "Письмо",
  transferred: "Передан коллегой",
  replied: "Ответ на наш вопрос",
};
const CHANNELS = { widget: "Чат", telegram: "Telegram", mail: "Письмо", email: "Письмо", form: "Форма", api: "Приложение" };
const CHANNEL_ICONS = { widget: "window", telegram: "plane", mail: "letter", email: "letter", form: "article" };
const MODES = { bot: "Отвечает бот", queued: "Ждёт оператора", operator: "Ведёт оператор", closed: "Разговор закрыт" };
const KINDS = { simple: "Простой вопрос", complex: "Сложный вопрос", urgent: "Срочное", complaint: "Жалоба", suggestion: "Предложение" };
const STATUSES = {
  registered: "Зарегистрировано",
  in_progress: "В работе",
  waiting: "Ждём ответа заявителя",
  answered: "Ответ дан",
  closed: "Завершено",
  reopened: "Открыто снова",
};
const EVENTS = {
  registered: "Зарегистрировано",
  queued: "Передано оператору",
  claimed: "Взято в работу",
  started: "Взято в работу",
  asked: "Ждём заявителя, срок остановлен",
  resumed: "Срок снова идёт",
  overdue: "Срок прошёл, заявителю сообщили",
  answered: "Ответ дан",
  closed: "Закрыто",
  reopened: "Открыто снова",
  withdrawn: "Отозвано",
  returned_to_bot: "Разговор передан боту",
  transferred: "Разговор передан",
  moved: "Другое подразделение",
  kind_changed: "Изменён вид",
  urgency_confirmed: "Срочность подтверждена",
  call_logged: "Звонок",
  letter_joined: "Пришло письмо",
  named_repeat: "Названо повторным",
  expedite_requested: "Просят ускорить",
  expedite_confirmed: "Ускорение подтверждено",
  expedite_refused: "В ускорении отказано",
  higher_instance_requested: "Просят передать выше",
  higher_instance_confirmed: "Принято выше",
  higher_instance_refused: "Возвращено сверху",
};
const REQUESTS = {
  expedite: { requested: "Просит ускорить", confirmed: "Ускоренно", refused: "В ускорении отказано" },
  higher_instance: { requested: "Просит передать выше", confirmed: "Принято выше", refused: "Возвращено сверху" },
};
const GROUNDS = {
  life: "Угроза жизни или здоровью",
  rights: "Нарушены права",
  document: "Срочно нужен документ",
  overdue: "Срок прошёл, ответа нет",
  no_reason: "В отказе нет причины",
  systemic: "Ошибка повторяется или у многих",
  revision: "Решение нужно пересмотреть",
};
const LETTERS = {
  receipt: "Подтверждение",
  answer: "Ответ",
  status: "Новый статус",
  overdue: "Извинение за срок",
  reminder: "Напоминание",
  returned: "Возврат письма",
  missing: "Запрос данных",
  unsafe_file: "Непринятые файлы",
  transcript: "Переписка",
  erasure: "Удаление данных",
  message: "Сообщение в мессенджер",
};
const DELIVERIES = { queued: "Отправляется", sending: "Отправляется", sent: "Отправлено", failed: "Не доставлено" };
const ROLES = {
  operator: "Оператор",
  senior: "Старший оператор",
  editor: "Редактор",
  supervisor: "Руководитель",
  administrator: "Администратор",
};
const FIELDS = JSON.parse(document.body.dataset.fieldWords); // handoff/field_words.py

/** Why a person is needed. @param {{reason: string|null, appeal_number: string|null}} item a row of the queue */
export const reasonWords = ({ reason, appeal_number: number }) =>
  reason ? (REASONS[reason] ?? reason) : number ? "Обращение" : "Взят у бота";
/** @param {string} code */
export const channelWords = (code) => CHANNELS[code] ?? code ?? "";
/** @param {string} code */
export const channelIcon = (code) => CHANNEL_ICONS[code] ?? "chat";
/** @param {string} code */
export const kindWords = (code) => KINDS[code] ?? code;
/** @param {string} code */
export const statusWords = (code) => STATUSES[code] ?? code;
/** What happened to an appeal. @param {string} code */
export const eventWords = (code) => EVENTS[code] ?? code;
/** All kinds of appeals: code and words. */
export const kindChoices = () => Object.entries(KINDS);
/** What a citizen asked for, and how it stands. @param {{kind: string, state: string}} request */
export const requestWords = ({ kind, state }) => REQUESTS[kind]?.[state] ?? kind;
/** @param {string} code */
export const groundWords = (code) => GROUNDS[code] ?? code;
/** @param {string} code a letter's kind */
export const letterWords = (code) => LETTERS[code] ?? code;
/** @param {string} code a letter's state */
export const deliveryWords = (code) => DELIVERIES[code] ?? code;
/** @param {string} code */
export const roleWords = (code) => ROLES[code] ?? code;

// Fields that tell nothing personal: shown as they are.
const OPEN_FIELDS = new Set(["reply_channel", "category", "problem", "application_number", "organisation", "tried", "earlier_appeal"]);
const REPLY_CHANNELS = { email: "Письмом", phone: "По телефону", messenger: "В Telegram" };

/** Whether a field is shown without a reason. @param {string} name */
export const isOpenField = (name) => OPEN_FIELDS.has(name);
/** A field's value as operators read it. @param {string} name @param {string} value */
export const valueWords = (name, value) => (name === "reply_channel" && REPLY_CHANNELS[value]) || value;

/** A field's name; a trailing number ("phone2") is kept apart. @param {string} name */
export function fieldWords(name) {
  const [, stem, number] = name.match(/^(.*?)_?(\d*)$/);
  const words = FIELDS[stem];
  return words ? `${words}${number && number !== "1" ? ` ${number}` : ""}` : name;
}

/**
 * Who owns the conversation now, in one line.
 * @param {{mode: string, operator: {name: string}|null, queue_position: number|null}} state
 * @param {boolean} mine
 */
export function modeWords({ mode, operator, queue_position: position }, mine) {
  if (mode === "operator" && mine) return "Вы ведёте разговор";
  if (mode === "operator" && operator) return `Ведёт ${operator.name}`;
  if (mode === "queued" && position) return `${MODES.queued}, ${position}-й в очереди`;
  return MODES[mode] ?? mode;
}

/**
 * The Russian form of a noun after a number: plural(3, "файл", "файла", "файлов") → "3 файла".
 * @param {number} count
 * @param {string} one
 * @param {string} few
 * @param {string} many
 */
export function plural(count, one, few, many) {
  const tens = count % 100;
  const units = count % 10;
  const form = tens > 10 && tens < 20 ? many : units === 1 ? one : units > 1 && units < 5 ? few : many;
  return `${count}\u00a0${form}`;
}

/** A file's size in Russian units. @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} Б`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} КБ`;
  return `${(bytes / 1024 / 1024).toFixed(1).replace(".", ",")} МБ`;
}
