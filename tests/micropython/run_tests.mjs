// Run every test_*.py of tests/protocol and tests/firmware on real MicroPython, against what mpy-cross compiled.
// usage: node run_tests.mjs REPOSITORY COMPILED [WORD...]
// With words only tests run whose `tests/folder/test_file.py::test_name` contains one of them.
import fs from 'node:fs';
import path from 'node:path';
import { bootWith, files } from './vm.mjs';

const [repository, compiled, ...words] = process.argv.slice(2);
const wanted = (id) => !words.length || words.some((word) => id.includes(word));
const mp = await bootWith(repository, compiled, (line) => console.log(line));
const tests = ['protocol', 'firmware'].flatMap((folder) => files(path.join(repository, 'tests', folder), '.py'));

let passed = 0;
let failed = 0;
for (const file of tests.filter((name) => path.basename(name).startsWith('test_'))) {
  const id = path.relative(repository, file);
  const names = [...fs.readFileSync(file, 'utf8').matchAll(/^def (test_\w+)\(/gm)].map(([, name]) => name);
  if (!names.some((name) => wanted(`${id}::${name}`))) continue;
  const module = id.replace(/\.py$/, '').replaceAll('/', '.');
  try {
    mp.runPython(`import ${module}\nimport sys\n_module = sys.modules["${module}"]`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${module} (import)\n${error.message}`);
    continue;
  }
  // One call from outside for each test: this port frees memory only between such calls.
  for (const name of names) {
    if (!wanted(`${id}::${name}`)) continue;
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
