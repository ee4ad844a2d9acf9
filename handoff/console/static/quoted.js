// Which article an operator's answer was taken from: its question may then become one of the article's aliases.

const SHORTEST = 20; // characters of a sentence that tells one article from another

const sentences = (text) =>
  text
    .split(/\n+|(?<=[.!?…])\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence.length >= SHORTEST);

/**
 * The slug of the article of which the text holds most sentences, word for word; null if it holds none of any.
 * @param {Iterable<{slug: string, text: string}>} articles
 * @param {string} text
 * @returns {string | null}
 */
export function quotedArticle(articles, text) {
  let found = null;
  let most = 0;
  for (const article of articles) {
    const held = sentences(article.text).filter((sentence) => text.includes(sentence)).length;
    if (held > most) [found, most] = [article.slug, held];
  }
  return found;
}
