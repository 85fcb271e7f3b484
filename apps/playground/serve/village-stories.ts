// The Korean sample: short stories of a small village, told by chance from sentences written for this page. Simple enough that a small model soon
// writes sentences of its own; given to the public domain with the rest of this file's text.

const people = ['민지', '하늘', '준호', '수아', '도윤', '서연', '할머니', '할아버지', '빵집 아주머니', '우체부 아저씨'] as const
const animals = ['고양이', '강아지', '다람쥐', '토끼', '참새', '오리', '거북이', '고슴도치'] as const
const places = ['시냇가', '언덕', '빵집', '도서관', '사과나무 아래', '우물가', '기차역', '꽃밭', '다리 위', '장터'] as const
const things = ['빨간 우산', '작은 씨앗', '낡은 지도', '노란 모자', '따뜻한 빵', '유리구슬', '나무 피리', '편지', '조약돌', '종이배'] as const
const times = ['어느 봄날 아침', '비가 그친 오후', '눈이 내리던 밤', '바람이 부는 저녁', '햇살이 좋은 날', '달이 밝은 밤', '안개가 낀 새벽'] as const
const moods = ['기뻐서', '궁금해서', '조금 무서워서', '심심해서', '반가워서', '걱정이 되어서'] as const
const words = ['같이 갈래?', '이건 누구 것일까?', '괜찮아, 천천히 해도 돼.', '정말 고마워!', '내일 또 만나자.', '저기 좀 봐!', '나도 한번 해 볼게.'] as const

interface Story {
  readonly who: string
  readonly animal: string
  readonly place: string
  readonly thing: string
  readonly choose: <T>(list: readonly T[]) => T
}

/** Whether the last syllable ends in a consonant: particles follow from it. */
const closed = (word: string): boolean => (word.charCodeAt(word.length - 1) - 0xac00) % 28 > 0
const subject = (word: string): string => word + (closed(word) ? '이' : '가')
const topic = (word: string): string => word + (closed(word) ? '은' : '는')
const object = (word: string): string => word + (closed(word) ? '을' : '를')
const together = (word: string): string => word + (closed(word) ? '과' : '와')

const openings: readonly ((story: Story) => string)[] = [
  ({ who, place, choose }) => `${choose(times)}, ${topic(who)} ${place}에 갔습니다.`,
  ({ animal, place, choose }) => `${choose(times)}, ${place}에 ${animal} 한 마리가 앉아 있었습니다.`,
  ({ who, thing, place, choose }) => `${choose(times)}, ${topic(who)} ${place}에서 ${object(thing)} 찾았습니다.`,
]
const middles: readonly ((story: Story) => string)[] = [
  ({ animal, thing }) => `${topic(animal)} ${object(thing)} 가만히 바라보았습니다.`,
  ({ who, animal, choose }) => `${subject(who)} 물었습니다. "${choose(words)}" ${topic(animal)} ${choose(moods)} 고개를 끄덕였습니다.`,
  ({ who, thing, choose }) => `${topic(who)} ${choose(moods)} ${object(thing)} 두 손에 꼭 쥐었습니다.`,
  ({ who, animal }) => `${topic(who)} ${together(animal)} 나란히 걸었습니다.`,
  ({ animal, choose }) => `그때 ${subject(animal)} ${choose(moods)} 폴짝폴짝 뛰기 시작했습니다.`,
  ({ place, choose }) => `두 친구는 ${choose(places)}까지 갔다가 다시 ${place}로 돌아왔습니다.`.replace(/(역|밭)로/g, '$1으로'),
  ({ choose }) => `하늘에는 구름이 천천히 흘러갔고, 멀리서 ${choose(['종소리', '새소리', '물소리', '웃음소리'])}가 들려왔습니다.`,
  ({ thing, choose }) => `알고 보니 ${topic(thing)} ${choose(people)}의 것이었습니다.`,
]
const endings: readonly ((story: Story) => string)[] = [
  ({ who, animal }) => `그날부터 ${together(who)} ${topic(animal)} 둘도 없는 친구가 되었습니다.`,
  ({ who }) => `${topic(who)} 집으로 돌아와 오늘 있었던 일을 일기에 적었습니다.`,
  ({ thing, place }) => `${topic(thing)} 지금도 ${place}에 놓여 있습니다.`,
  ({ choose }) => `마을 사람들은 모두 웃으며 말했습니다. "${choose(words)}"`,
]

/** About 25,000 characters; equal seeds give equal texts. */
export function villageStories(seed: number, stories = 160): string {
  let state = seed >>> 0
  const random = (): number => {
    // mulberry32: small, and the same everywhere
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const choose = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]
  const tell = (): string => {
    const story = { who: choose(people), animal: choose(animals), place: choose(places), thing: choose(things), choose }
    const middle = Array.from({ length: 2 + Math.floor(random() * 3) }, () => choose(middles)(story))
    return [choose(openings)(story), ...new Set(middle), choose(endings)(story)].join(' ')
  }
  return Array.from({ length: stories }, tell).join('\n\n')
}
