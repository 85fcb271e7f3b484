// Numbers and durations as people read them.

/** 1234567 → `1,234,567`. */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US')

export const decimals = (value: number, digits = 3): string => (Number.isFinite(value) ? value.toFixed(digits) : '–')

/** With its sign: `+1.25`. */
export const signed = (value: number, digits = 2): string => (Number.isFinite(value) ? `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}` : '–')

export const percent = (part: number): string => (Number.isFinite(part) ? `${Math.round(part * 100)} %` : '–')

/** Seconds → `1:05` or `1:02:05`. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}
