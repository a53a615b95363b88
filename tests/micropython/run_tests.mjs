// Run every tests/protocol/**/test_*.py on real MicroPython, against protocol/ compiled by mpy-cross.
// usage: node run_tests.mjs REPOSITORY COMPILED [WORD]   (only tests whose name contains WORD)
import fs from 'node:fs';
import path from 'node:path';
import { boot, files, write } from './vm.mjs';

const [repository, compiled, word = ''] = process.argv.slice(2);

const mp = await boot((line) => console.log(line));
for (const file of files(compiled, '.mpy')) write(mp, `/${path.relative(compiled, file)}`, fs.readFileSync(file));
const tests = files(path.join(repository, 'tests/protocol'), '.py');
for (const file of [...tests, ...files(path.join(repository, 'tests/data'), '.json')])
  write(mp, `/${path.relative(repository, file)}`, fs.readFileSync(file));

let passed = 0;
let failed = 0;
mp.runPython('import sys\nsys.path.append("/")');
for (const file of tests.filter((name) => path.basename(name).startsWith('test_'))) {
  const module = path.relative(repository, file).replace(/\.py$/, '').replaceAll('/', '.');
  try {
    mp.runPython(`import ${module}\nimport sys\n_module = sys.modules["${module}"]`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${module} (import)\n${error.message}`);
    continue;
  }
  // One call from outside for each test: this port frees memory only between such calls.
  for (const [, name] of fs.readFileSync(file, 'utf8').matchAll(/^def (test_\w+)\(/gm)) {
    if (!`${module}.${name}`.includes(word)) continue;
    try {
      mp.runPython(`_module.${name}()`);
      passed += 1;
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${module}.${name}\n${error.message}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
