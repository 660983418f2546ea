// Opens the page named first, from disk and without scripts, and clicks through it: overview, flows, back. Prints what it saw as
// JSON. Usage: node click.mjs PAGE.html BROWSER [SCREENSHOT_PREFIX]
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';

const [page_path, executablePath, shots] = process.argv.slice(2);
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1100, height: 900 } });
const page = await context.newPage();
const complaints = [];
const requests = [];
page.on('console', (message) => complaints.push(message.text()));
page.on('request', (request) => { if (!request.url().startsWith('file:')) requests.push(request.url()); });
await page.goto(pathToFileURL(page_path).href);

const rows = page.locator('table.flows tbody tr');
const flows = await rows.count();
const hidden = await page.locator('section.flow:visible').count();
const bars = await page.locator('svg.chart a').count();
let shown = 0;
const step = Math.max(1, Math.floor(flows / 12));
for (let n = 0; n < flows; n += step) {
  const link = rows.nth(n).locator('a').first();
  const target = (await link.getAttribute('href')).slice(1);
  await link.click();
  const section = page.locator(`section[id="${target}"]`);
  const picture = section.locator('svg').first();
  const box = await picture.boundingBox();
  const visible = await page.locator('section.flow:visible').count();
  const table = await section.locator('table tbody tr').count();
  if (visible === 1 && (await picture.isVisible()) && box.width > 300 && box.width <= 1100 && table > 0) shown += 1;
  if (shots && n === 0) await page.screenshot({ path: `${shots}-flow.png` });
  await section.locator('a[href="#top"]').click();
}
await page.locator('svg.chart a').first().click();
const from_timeline = await page.locator('section.flow:visible').count();
if (shots) {
  await page.goto(pathToFileURL(page_path).href);
  await page.screenshot({ path: `${shots}-overview.png`, fullPage: false });
}
await browser.close();
console.log(JSON.stringify({ flows, hidden, bars, clicked: Math.ceil(flows / step), shown, from_timeline, complaints, requests }));
