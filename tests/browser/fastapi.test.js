// FastAPI's documentation pages with their overlays. Their CDN is answered from npm packages of the same versions.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { POLICIES, ROOT, Started } from './support.js';

const started = new Started();
const PACKAGES = path.join(ROOT, 'tests/browser/node_modules');
const IMAGES = new Set(['fastapi.tiangolo.com', 'cdn.redoc.ly']);
const TYPES = { '.js': 'text/javascript', '.css': 'text/css' };
let origin;

before(async () => {
  origin = await started.serve(await started.fastapi(), POLICIES.fastapi);
});
after(() => started.end());

/** A page whose foreign requests are answered here; those nobody knows are noted in `page.foreign`. */
async function pageWithCdn() {
  const page = await started.page();
  page.foreign = [];
  await page.route(
    (url) => url.origin !== origin && url.protocol.startsWith('http'),
    async (route) => {
      const url = new URL(route.request().url());
      const [, name, file] = /^\/npm\/([\w-]+)@\d[^/]*\/(.+)$/.exec(url.pathname) ?? [];
      if (url.hostname === 'cdn.jsdelivr.net' && name) {
        const body = await readFile(path.join(PACKAGES, name, file));
        return route.fulfill({ body, contentType: TYPES[path.extname(file)] });
      }
      if (url.hostname === 'fonts.googleapis.com') return route.fulfill({ body: '', contentType: 'text/css' });
      if (IMAGES.has(url.hostname)) return route.fulfill({ body: '', contentType: 'image/png' });
      page.foreign.push(url.href);
      return route.abort();
    },
  );
  return page;
}

test('Swagger UI renders, and a request can be tried out', async () => {
  const page = await pageWithCdn();
  await page.goto(`${origin}/docs`);
  await page.locator('#operations-default-item_items__number__get').click();
  await page.getByText('Something to try out').waitFor();
  await page.getByRole('button', { name: 'Try it out' }).click();
  await page.getByPlaceholder('number').fill('7');
  await page.getByRole('button', { name: 'Execute' }).click();
  await page.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
  assert.match(await page.locator('.live-responses-table').innerText(), /"number": 7/);
  assert.deepEqual(page.violations, []);
  assert.deepEqual(page.foreign, []);
});

test('ReDoc renders', async () => {
  const page = await pageWithCdn();
  await page.goto(`${origin}/redoc`);
  await page.getByText('Something to try out').first().waitFor();
  await page.getByRole('button', { name: /^200/ }).first().click();
  await page.getByRole('tab', { name: '422' }).first().click();
  // the search runs in a worker
  await page.getByRole('textbox').first().fill('item');
  await page.locator('[data-role="search:results"]').first().waitFor();
  // its page style is in force: no margin
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).margin), '0px');
  assert.deepEqual(page.violations, []);
  assert.deepEqual(page.foreign, []);
});

test('a script put into /docs does not run', async () => {
  const page = await pageWithCdn();
  await page.route(`${origin}/docs`, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('<body>', '<body><script>document.title = "injected"</script>');
    await route.fulfill({ response, body });
  });
  await page.goto(`${origin}/docs`);
  await page.locator('.swagger-ui .info').waitFor();
  assert.notEqual(await page.title(), 'injected');
  assert.equal(page.violations.filter((violation) => violation.directive === 'script-src-elem').length, 1);
});
