// Streamlit with the preset streamlit: it works, and nothing it does is against the policy.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { POLICIES, Started } from './support.js';

const started = new Started();
let origin;

before(async () => {
  origin = await started.serve(await started.streamlit(), POLICIES.streamlit);
});
after(() => started.end());

test('its widgets work without a violation', async () => {
  const page = await started.page();
  await page.goto(origin);
  await page.getByText('Pressed 0 times').waitFor();
  await page.getByRole('button', { name: 'Press', exact: true }).click();
  await page.getByText('Pressed 1 times').waitFor();

  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Name').press('Enter');
  await page.getByText('Hello, Ada').waitFor();

  await page.locator('input[type=file]').setInputFiles({
    name: 'a.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('contents'),
  });
  await page.getByText('Received a.txt: 8 bytes').waitFor();

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download', exact: true }).click();
  assert.equal((await download).suggestedFilename(), 'a.txt');

  await page.locator('.katex').first().waitFor();
  await page.locator('[data-testid=stDataFrame] canvas').first().waitFor();
  await page.locator('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg').first().waitFor();
  assert.deepEqual(page.violations, []);
});

test('a script put into it does not run', async () => {
  const page = await started.page();
  await page.goto(origin);
  await page.getByText('Pressed 0 times').waitFor();
  await page.evaluate(() => {
    // a handler that the page itself would run: evaluate alone goes round the policy
    const image = document.createElement('img');
    image.setAttribute('onerror', 'document.title = "injected"');
    image.src = '/_stcore/nothing';
    document.body.append(image);
    return new Promise((resolve) => image.addEventListener('error', () => setTimeout(resolve)));
  });
  assert.notEqual(await page.title(), 'injected');
  assert.ok(page.violations.some((violation) => violation.directive === 'script-src-attr'));
});
