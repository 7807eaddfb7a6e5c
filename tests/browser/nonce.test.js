// A page that is told its nonce by mantlet.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { POLICIES, Started } from './support.js';

const started = new Started();
after(() => started.end());

test('the script with the nonce runs, an injected one does not', async () => {
  const port = await started.application((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><title>neither</title>
      <script>document.title = 'injected'</script>
      <script nonce="guess">document.title = 'guessed'</script>
      <p onclick="document.title = 'clicked'">text</p>
      <script nonce="${request.headers['mantlet-nonce']}">document.body.dataset.own = document.title</script>`);
  });
  const origin = await started.serve(port, POLICIES.nonce);
  const page = await started.page();
  for (let visit = 0; visit < 2; visit += 1) {
    await page.goto(origin);
    await page.click('p');
    assert.equal(await page.getAttribute('body', 'data-own'), 'neither');
    assert.equal(await page.title(), 'neither');
  }
  const directives = new Set(page.violations.map((violation) => violation.directive).filter(Boolean));
  assert.deepEqual(directives, new Set(['script-src-elem', 'script-src-attr']));
});
