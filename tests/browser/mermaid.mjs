// Has Mermaid read the diagrams of a file that holds a JSON array of them. Prints how many it took, and what it says of the others.
// Usage: node mermaid.mjs DIAGRAMS.json BROWSER
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [path, executablePath] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const page = await browser.newPage();
await page.addScriptTag({ path: fileURLToPath(new URL('node_modules/mermaid/dist/mermaid.min.js', import.meta.url)) });
const seen = await page.evaluate(async (diagrams) => {
  const result = { taken: 0, complaints: [] };
  for (const diagram of diagrams) {
    try {
      const { diagramType } = await globalThis.mermaid.parse(diagram);
      if (diagramType === 'sequence') result.taken += 1;
      else result.complaints.push(`a ${diagramType}: ${diagram}`);
    } catch (error) {
      result.complaints.push(`${error.message} in ${diagram}`);
    }
  }
  return result;
}, JSON.parse(readFileSync(path, 'utf8')));
await browser.close();
console.log(JSON.stringify(seen));
