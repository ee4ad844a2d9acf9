/** How the composer helps with what the bot has just asked for: keyboard, autofill and an example. */

const USUAL = { placeholder: "Напишите сообщение", inputmode: null, autocomplete: "off" };

const PROMPTS = {
  full_name: { placeholder: "Фамилия, имя и отчество", autocomplete: "name" },
  snils: { placeholder: "СНИЛС: 112-233-445 95", inputmode: "numeric" },
  birth_date: { placeholder: "Дата: ДД.ММ.ГГГГ", autocomplete: "bday" },
  email: { placeholder: "Почта: name@example.ru", inputmode: "email", autocomplete: "email" },
  phone: { placeholder: "Телефон: +7 900 000-00-00", inputmode: "tel", autocomplete: "tel" },
  category: { placeholder: "Выберите или напишите, о чём" },
  problem: { placeholder: "Опишите, что произошло" },
  application_number: { placeholder: "Номер заявления", inputmode: "numeric" },
  occurred_at: { placeholder: "Когда это случилось" },
  tried: { placeholder: "Что вы уже пробовали сделать" },
  screenshots: { placeholder: "Приложите снимки экрана" },
  appeal_number: { placeholder: "Номер: ОБ-2026-000417-9" },
  access_code: { placeholder: "Код доступа из уведомления" },
  reason: { placeholder: "Опишите причину" },
};

/**
 * @param {string|null} expects as in the API
 * @returns {{placeholder: string, inputmode: string|null, autocomplete: string}}
 */
export function choosePrompt(expects) {
  return { ...USUAL, ...PROMPTS[expects] };
}
