// Reads the JSON reports that vitest leaves in each package and adds them up. A package that should have reported and did
// not, or that failed outside of its tests, counts as one failure.
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * @typedef {{ name: string, passed: number, failed: string[], skipped: string[] }} PackageResult
 * @typedef {{ status: string, fullName: string }} Assertion
 * @typedef {{ name: string, status: string, message?: string, assertionResults: Assertion[] }} TestFile
 */

/**
 * @param {string} name
 * @param {string} folder
 * @param {number} exitCode of the package's test task
 * @returns {PackageResult}
 */
export function readPackageResult(name, folder, exitCode) {
  const path = join(folder, 'test-report.json')
  if (!existsSync(path)) {
    // a package without any test file leaves no report and succeeds
    return { name, passed: 0, failed: exitCode === 0 ? [] : ['the test run crashed before it could report'], skipped: [] }
  }
  return summarize(name, folder, /** @type {{ testResults: TestFile[] }} */ (JSON.parse(readFileSync(path, 'utf8'))).testResults, exitCode)
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {TestFile[]} files
 * @param {number} exitCode
 * @returns {PackageResult}
 */
export function summarize(name, folder, files, exitCode) {
  /** @type {PackageResult} */
  const result = { name, passed: 0, failed: [], skipped: [] }
  for (const file of files) {
    const where = relative(folder, file.name)
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') result.passed++
      else if (status === 'failed') result.failed.push(`${where}: ${fullName}`)
      else result.skipped.push(`${where}: ${fullName}`)
    }
    const explained = file.assertionResults.some(({ status }) => status === 'failed')
    if (file.status === 'failed' && !explained) result.failed.push(`${where}: the file could not be run`)
  }
  if (exitCode !== 0 && result.failed.length === 0) result.failed.push('an error outside of the tests')
  return result
}

/**
 * The table, the failures and the skipped tests by name, and the last line.
 * @param {PackageResult[]} results
 * @param {string[]} otherFailures such as a type check
 */
export function render(results, otherFailures) {
  const width = Math.max(...results.map(({ name }) => name.length))
  const lines = results.map(({ name, passed, failed, skipped }) => {
    const skips = skipped.length > 0 ? `, ${skipped.length} SKIPPED` : ''
    return `${failed.length > 0 ? '✗' : '✓'} ${name.padEnd(width)}  ${passed} passed, ${failed.length} failed${skips}`
  })
  for (const { name, skipped } of results) lines.push(...skipped.map((test) => `SKIPPED ${name} ${test}`))
  for (const { name, failed } of results) lines.push(...failed.map((test) => `FAILED ${name} ${test}`))
  lines.push(...otherFailures.map((failure) => `FAILED ${failure}`))
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failed.length, otherFailures.length)
  lines.push(`${passed} passed, ${failed} failed`)
  return { text: lines.join('\n'), failed }
}
