// Streamlit with the preset streamlit: it works, nothing it does is against the policy, and no other site can drive it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { POLICIES, Started } from './support.js';

const started = new Started();
let origin, port;

before(async () => {
  origin = await started.serve(await started.streamlit(), POLICIES.streamlit);
  port = new URL(origin).port;
});
after(() => started.end());

// to the second a browser sends no Sec-Fetch-Site: its origin, over plain http, is not potentially trustworthy
for (const name of ['127.0.0.1', 'app.test']) {
  test(`its widgets work without a violation at ${name}`, async () => {
    const page = await started.page();
    const changes = [];
    page.on('response', (response) => {
      const method = response.request().method();
      if (method !== 'GET') changes.push(`${method} ${response.status()}`);
    });
    await page.goto(`http://${name}:${port}`);
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
    await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'DELETE'),
      page.getByRole('button', { name: 'Remove a.txt' }).click(),
    ]);
    await page.getByText('Received a.txt').waitFor({ state: 'detached' });
    assert.deepEqual(changes, ['PUT 204', 'DELETE 204']);

    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download', exact: true }).click();
    assert.equal((await download).suggestedFilename(), 'a.txt');

    await page.locator('.katex').first().waitFor();
    await page.locator('[data-testid=stDataFrame] canvas').first().waitFor();
    await page.locator('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg').first().waitFor();
    assert.deepEqual(page.violations, []);
  });
}

test('another site opens no WebSocket to it and uploads nothing', async () => {
  const elsewhere = await started.application((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>attacker</title>');
  });
  for (const [name, own] of [
    ['evil.localhost', 'app.localhost'],
    ['evil.test', 'app.test'],
  ]) {
    const page = await started.page();
    await page.goto(`http://${name}:${elsewhere}`);
    const shake = page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url, 'streamlit');
          socket.onopen = () => resolve('open');
          socket.onclose = () => resolve('refused');
        }),
      `ws://${own}:${port}/_stcore/stream`,
    );
    assert.equal(await shake, 'refused', name);
    const failing = page.waitForEvent('requestfailed');
    const url = `http://${own}:${port}/_stcore/upload_file/session/file`;
    await page.evaluate((url) => fetch(url, { method: 'POST', mode: 'no-cors', body: 'x' }).catch(String), url);
    assert.match((await failing).failure().errorText, /BLOCKED_BY_RESPONSE/, name);
  }
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
