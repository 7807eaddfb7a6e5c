// A page that a browser has kept and asks for again: a 304 must not put a weaker policy in the place of the one it came with.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Started } from './support.js';

const started = new Started();
after(() => started.end());

const POLICIES = {
  'a nonce': `preset = "none"
nonce_upstream = true
[csp]
mode = "override"
script-src = ["'nonce'"]
`,
  'rules for html': `preset = "none"
[csp]
mode = "override"
img-src = ["*"]
[[route]]
path = "/"
content_type = "html"
csp.script-src = ["'none'"]
`,
};

for (const [name, policy] of Object.entries(POLICIES)) {
  test(`${name}: a script that did not run does not run after a 304`, async () => {
    const statuses = [];
    const port = await started.application((request, response) => {
      if (request.url !== '/') return response.writeHead(404).end();
      const known = request.headers['if-none-match'] === '"1"';
      statuses.push(known ? 304 : 200);
      response.writeHead(known ? 304 : 200, {
        'Content-Security-Policy': 'img-src *',
        'Cache-Control': 'no-cache',
        ETag: '"1"',
        ...(known ? {} : { 'Content-Type': 'text/html' }),
      });
      response.end(known ? undefined : "<!doctype html><title>kept</title><script>document.title = 'ran'</script>");
    });
    const origin = await started.serve(port, policy);
    const page = await started.page();
    for (let visit = 0; visit < 3; visit += 1) {
      await page.goto(origin);
      assert.equal(await page.title(), 'kept', `visit ${visit}, ${statuses}`);
    }
    assert.deepEqual(statuses, [200, 304, 304]);
  });
}
