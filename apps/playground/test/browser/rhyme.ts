// A text that a tiny model learns in seconds, of about 3,000 characters.
const lines = ['the egg is round and the egg is white', 'the hen sat down and kept it all night', 'then out of the egg there came a small bird', 'and the first thing it said was a very small word']

export const rhyme = Array.from({ length: 18 }, (_, verse) => [...lines.slice(verse % 4), ...lines.slice(0, verse % 4)].join('\n')).join('\n\n')
