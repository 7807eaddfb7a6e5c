// The demo's attack, before and after.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Started } from './support.js';

const started = new Started();
const ATTACK = '/?name=%3Cscript%3Edocument.title=document.body.innerText=%22hacked%22%3C/script%3E';
let naive, guarded;

before(async () => {
  const [, first, second] = await started.mantlet(
    ['demo'],
    /A naive site +(http:\S+)\/[^]*by mantlet +(http:\S+)\/[^]*Ctrl-C stops/,
  );
  [naive, guarded] = [first, second];
});
after(() => started.end());

test('the injected script runs on the naive site', async () => {
  const page = await started.page();
  await page.goto(naive + ATTACK);
  assert.equal(await page.title(), 'hacked');
});

test('behind mantlet it does not run, and the site still works', async () => {
  const page = await started.page();
  await page.goto(guarded + ATTACK);
  assert.equal(await page.title(), 'Naive');
  assert.equal(await page.textContent('#own'), "The site's own script file runs.");
  assert.ok(page.violations.some((violation) => violation.directive === 'script-src-elem'));
  page.violations.length = 0;
  await page.fill('input[name=name]', 'Ada');
  await page.click('button');
  await page.waitForSelector('h1:text-is("Hello, Ada")');
  assert.deepEqual(page.violations, []);
});

test('scripts do not read the session cookie behind mantlet', async () => {
  const page = await started.page();
  await page.goto(naive);
  assert.match(await page.evaluate(() => document.cookie), /session=abc123/);
  await page.context().clearCookies();
  await page.goto(guarded);
  assert.equal(await page.evaluate(() => document.cookie), '');
  const [cookie] = await page.context().cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], ['session', true, 'Lax']);
});
