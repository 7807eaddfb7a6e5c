// Cross-origin isolation: what it opens to a page, and that nothing opens it by itself.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Started } from './support.js';

const started = new Started();
let upstream;

before(async () => {
  upstream = await started.application((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>A page</title>');
  });
});
after(() => started.end());

/** Whether a page under this policy is isolated, and the bytes of memory that it can share with a worker. */
async function isolation(policy) {
  const port = new URL(await started.serve(upstream, policy)).port;
  const page = await started.page();
  await page.goto(`http://app.localhost:${port}`);
  return page.evaluate(() => [
    crossOriginIsolated,
    typeof SharedArrayBuffer === 'undefined' ? 0 : new SharedArrayBuffer(16).byteLength,
  ]);
}

for (const [name, keys] of [
  ['the defaults', ''],
  ['credentialless', 'embedder = "credentialless"'],
  ['the document alone', 'opener = false\nembedder = false\ndocument = "isolate-and-require-corp"'],
]) {
  test(`a page is isolated and shares memory: ${name}`, async () => {
    assert.deepEqual(await isolation(`preset = "balanced"\n[cross_origin_isolation]\n${keys}\n`), [true, 16]);
  });
}

test('a page is not isolated where nothing asks for it', async () => {
  assert.deepEqual(await isolation('preset = "balanced"\n'), [false, 0]);
});
