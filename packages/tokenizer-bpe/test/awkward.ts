// Texts that tokenizers get wrong, from a seed: groups of characters that pattern classes, case folding, byte order marks,
// surrogates and combining marks make hard.

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ascii: [...'abcdefgXYZ 0123 \'"!?.,-_/\\\n\r\t'],
  contractions: ["'s", "'S", "'\u017f", "'Re", "'LL", "'vE", "'d", '\u0131', '\u0130', '\u212a', ' ', 'a', 'Z', "'"],
  whiteSpace: [' ', '\n', '\r', '\t', '\u00a0', '\u2028', '\u3000', '\u000b', 'a', '1', '!'],
  nextLine: ['\u0085', 'a', ' ', '1'],
  byteOrderMark: ['\ufeff', 'a', ' ', '1', '\n'],
  letters: ['é', 'ß', 'Ж', 'ж', '中', '한', 'あ', 'ǅ', 'ª', 'ʰ', 'ا', 'ก', 'a', 'B'],
  marks: ['\u0301', '\u0903', '\u20dd', 'a', 'A', '中', ' ', '1', '!'],
  numbers: ['1', '²', '½', 'Ⅷ', '٣', '१', '𝟙', ' ', 'a'],
  emoji: ['👍', '👨‍👩‍👧', '🏽', '🇰🇷', '\u200d', '\ufe0f', ' ', 'a', '❤️'],
  astral: ['𐐀', '𐐨', '𠀀', '𝒜', '😀', 'a', ' '],
  unicode15: ['\u{2ebf0}', '\u2ffc', 'a', ' '],
  unicode16: ['\u{10d4a}', '\u{10d70}', '\u1c89', '\u1c8a', '\u{16d40}', 'a', ' '],
  surrogates: ['\ud83d', '\udc4d', '\ud800', 'a', ' '],
  controls: ['\u0000', '\u001f', '\u007f', '\u00ad', '\u200b', '\u180e', 'a', ' '],
  slashes: ['/', '//', '\n', '\r\n', 'a', '。', '!', ' '],
  words: [' the', 'ing', ' Hello', 'WORLD', 'ization', ' 12', '안녕', ' 하세요', '你好', '世界', ' fn', '()', '{\n', '    ', '\n\n'],
}

export const GROUP_NAMES = Object.keys(GROUPS)

/** A text of up to `parts` random members of a group; the same for the same seed. */
export function awkwardText(group: string, seed: number, parts = 12): string {
  const members = GROUPS[group] ?? []
  const random = xorshift(seed)
  let text = ''
  for (let k = 1 + random() % parts; k > 0; k--) text += members[random() % members.length]
  return text
}

export function xorshift(seed: number): () => number {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
