// Text that is equal exactly for equal data. JSON alone would make Infinity, −Infinity and NaN one, and −0 and 0.
const exact = (_: string, value: unknown): unknown => (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? '-0' : value}` : value)

export const structureKey = (data: object): string => JSON.stringify(data, exact)
