// Print what an air node sends in a day on real MicroPython, for comparison with CPython.
// usage: node print_day.mjs REPOSITORY COMPILED
import { bootWith } from './vm.mjs';

const [repository, compiled] = process.argv.slice(2);
const mp = await bootWith(repository, compiled, (line) => console.log(line));
mp.runPython('from tests.firmware.day import day\nfor line in day(): print(line)');
process.exit(0);
