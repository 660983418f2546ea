// Opens each picture of a folder and measures what the browser made of it: texts that lie over each other, over an arrow or outside of
// the picture. Prints them as JSON. Usage: node layout.mjs FOLDER BROWSER
import { chromium } from 'playwright-core';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, executablePath] = process.argv.slice(2);
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

// Runs in the page.
function measure() {
  // A line box is taller than its letters: what may touch is cut away, pixels.
  const inset = 3;
  const picture = document.documentElement.getBoundingClientRect();
  const boxes = [...document.querySelectorAll('text')].map((text) => {
    const { left, right, top, bottom } = text.getBoundingClientRect();
    return { words: text.textContent, left, right, top: top + inset, bottom: bottom - inset };
  });
  const arrows = [...document.querySelectorAll('line.arrow, line.lost')].map((line) => {
    const at = (name) => line[name].baseVal.value;
    const { e, f } = line.getCTM();
    return { x1: at('x1') + e, y1: at('y1') + f, x2: at('x2') + e, y2: at('y2') + f };
  });
  // Heads of arrows, crosses and the bars of states.
  const marks = [...document.querySelectorAll('polygon, path, rect[width="12"]')].map((mark) => mark.getBoundingClientRect());
  const complaints = [];
  const { scrollX, scrollY } = window;
  boxes.sort((a, b) => a.top - b.top);
  boxes.forEach((box, n) => {
    if (box.left < picture.left || box.right > picture.right || box.top < picture.top || box.bottom > picture.bottom) {
      complaints.push(`outside: ${box.words}`);
    }
    for (let m = n + 1; m < boxes.length && boxes[m].top < box.bottom; m += 1) {
      const other = boxes[m];
      if (other.left < box.right && box.left < other.right) complaints.push(`over each other: ${box.words} | ${other.words}`);
    }
    for (const mark of marks) {
      if (mark.top < box.bottom && box.top < mark.bottom && mark.left < box.right && box.left < mark.right) {
        complaints.push(`a mark over: ${box.words}`);
      }
    }
    for (const arrow of arrows) {
      const [from, to] = [Math.min(arrow.x1, arrow.x2), Math.max(arrow.x1, arrow.x2)];
      const [left, right] = [Math.max(from, box.left + scrollX), Math.min(to, box.right + scrollX)];
      if (left >= right) continue;
      const height = (x) => arrow.y1 + ((arrow.y2 - arrow.y1) * (x - arrow.x1)) / (arrow.x2 - arrow.x1) - scrollY;
      const [high, low] = [Math.min(height(left), height(right)), Math.max(height(left), height(right))];
      if (low > box.top && high < box.bottom) complaints.push(`an arrow through: ${box.words}`);
    }
  });
  return { texts: boxes.length, arrows: arrows.length, complaints };
}

const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
const seen = { pictures: 0, texts: 0, arrows: 0, complaints: [] };
for (const name of readdirSync(folder).filter((file) => file.endsWith('.svg')).sort()) {
  await page.goto(pathToFileURL(join(folder, name)).href);
  const { texts, arrows, complaints } = await page.evaluate(measure);
  seen.pictures += 1;
  seen.texts += texts;
  seen.arrows += arrows;
  seen.complaints.push(...complaints.map((complaint) => `${name}: ${complaint}`));
}
await browser.close();
console.log(JSON.stringify(seen));
