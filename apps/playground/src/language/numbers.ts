// Numbers as people write them in the page's language.
import { currentLanguage } from './language.svelte.ts'

export const whole = (value: number): string => Math.round(value).toLocaleString(currentLanguage())

export const decimal = (value: number, digits: number): string =>
  value.toLocaleString(currentLanguage(), { minimumFractionDigits: digits, maximumFractionDigits: digits })

export const percent = (value: number): string => value.toLocaleString(currentLanguage(), { style: 'percent', maximumFractionDigits: value < 0.1 ? 1 : 0 })

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${whole(bytes)} B`
  return bytes < 2 ** 20 ? `${whole(bytes / 1024)} KB` : `${decimal(bytes / 2 ** 20, bytes < 10 * 2 ** 20 && bytes % 2 ** 20 !== 0 ? 1 : 0)} MB`
}
