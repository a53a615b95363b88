// What the shims call: thin functions for numbers and addresses, for bytes do not cross from Python to JavaScript and
// integers only with 32 bits.
import crypto from 'node:crypto';

const OP_US = 10; // what a call into the hardware takes a board's MicroPython, about
const TICKS_US = 5; // so that a loop that waits for a time to come gets there
const SYNC_US = 1000; // and meanwhile things happen
const PERIOD = 2 ** 30;

export function hardware(vm) {
  const hex = (address, length) => Buffer.from(vm.bytes().subarray(address, address + length)).toString('hex');
  const fill = (address, text) => vm.bytes().set(Buffer.from(text, 'hex'), address);
  // Told with the next question: `note` what no chip can tell, `post` what may change what is known.
  const note = (op, ...args) => {
    vm.now += OP_US;
    vm.post(op, ...args);
  };
  const post = (op, ...args) => {
    note(op, ...args);
    vm.settled = false;
    vm.known.forget(op, ...args);
  };
  const ask = (op, ...args) => {
    vm.now += OP_US;
    return vm.ask(op, ...args);
  };
  // What stays as it is until something happens; null if it is to be asked for.
  const known = (key) => {
    const found = vm.known.get(key);
    return found && vm.now < found[1] && vm.now < vm.free ? found[0] : null;
  };
  const writing = new Map(); // µs that it takes, by I²C bus and number of bytes
  let blob = ''; // the last one asked for: first its length is told, then it is copied
  const length = (text) => {
    blob = text ?? '';
    return text === null ? -1 : blob.length / 2;
  };
  const kept = (space, key, kind) => {
    vm.now += OP_US;
    const found = vm.nvs.get(`${space}/${key}`);
    return length(found?.[0] === kind ? found[1] : null);
  };
  const keep = (space, key, kind, data) => {
    vm.nvs.set(`${space}/${key}`, [kind, data]);
    note('nvs_set', space, key, kind, data);
  };
  return {
    // main.py's turn(), null if it has none.
    take: (turn) => {
      vm.turn = turn;
    },
    heap: (collect, alive) => vm.heap.take(collect, alive),
    // random.seed(), which the module calls only when it is imported: an image has it imported already.
    dice: (seed) => {
      vm.reseed = seed;
    },
    // The address of a byte that is set when something has happened.
    flag: (address) => {
      vm.flag = address;
    },
    // What has happened: a number of an event that Python handles, or −1.
    event() {
      if (vm.events.length) return vm.events.shift();
      vm.bytes()[vm.flag] = 0;
      return -1;
    },

    ticks_us() {
      vm.now += TICKS_US;
      if (vm.now >= vm.free || (!vm.settled && vm.now - vm.synced > SYNC_US)) vm.ask('sync');
      return (vm.now - vm.booted) % PERIOD;
    },
    ticks_ms: () => Math.floor((vm.hw.ticks_us(), vm.now - vm.booted) / 1000) % PERIOD,
    rtc_s: () => Math.floor((vm.now - vm.origin) / 1e6),
    rtc_us: () => Math.floor((vm.now - vm.origin) % 1e6),
    rtc_set: (seconds) => {
      vm.origin = vm.now - seconds * 1e6;
      note('origin', vm.origin);
    },
    sleep_us(us) {
      vm.now += OP_US;
      const until = vm.now + Math.max(us, 0);
      if (!vm.settled || until >= vm.free) return vm.ask('sleep', until - vm.now);
      vm.now = until;
      return 0;
    },

    lightsleep: (ms) => ask('lightsleep', ms),
    deepsleep: (ms) => ask('deepsleep', ms),
    reset: () => ask('reset'),
    reset_cause: () => vm.cause,
    wake_reason: () => ask('wake_reason'),
    wake_on: (way, pin, level) => note('wake_on', way, pin, level),
    unique_id: () => vm.uid,
    watchdog: (ms) => note('watchdog', ms),
    feed: () => note('feed'),

    pin(id, mode, pull, level) {
      if (level >= 0) post('set', id, level);
      else vm.now += OP_US;
    },
    pin_set: (id, level) => post('set', id, level),
    pin_get(id) {
      vm.now += OP_US;
      return known(`get${id}`) ?? vm.ask('get', id)[0]; // which is told with the answer as well
    },
    pin_irq: (id, trigger) => note('irq', id, trigger),
    timer: (id, ms, periodic) => post('timer', id, ms, periodic),
    adc: (id) => ask('adc', id),
    pwm: (id, duty, hz) => note('pwm', id, duty, hz),

    spi_write: (id, from, count) => post('spi_write', id, hex(from, count)),
    spi_read(id, into, count, byte) {
      vm.known.forget('spi_read', id, byte.toString(16).padStart(2, '0'));
      fill(into, ask('spi_read', id, count, byte));
    },
    spi_both(id, from, into, count) {
      const data = hex(from, count);
      vm.known.forget('spi_both', id, data);
      fill(into, ask('spi_both', id, data));
    },
    i2c_write(id, address, from, count) {
      const data = hex(from, count);
      const lasts = writing.get(`${id},${count}`);
      if (vm.willing.get(id)?.includes(address) && vm.now + OP_US + lasts < vm.free) {
        post('i2c_write', id, address, data);
        vm.now += lasts;
        return 0;
      }
      const answer = ask('i2c_write', id, address, data);
      if (typeof answer === 'number') return answer;
      writing.set(`${id},${count}`, answer[0]);
      return 0;
    },
    i2c_read(id, address, into, count) {
      const answer = ask('i2c_read', id, address, count);
      if (typeof answer === 'number') return answer;
      fill(into, answer);
      return 0;
    },
    // What a write of the register's number and a read without a stop between them do.
    i2c_register(id, address, register, into, count) {
      vm.now += OP_US;
      const key = `i2c${id},${address},${register}`;
      const again = vm.known.get(key);
      if (count === 1 && again && vm.now + again[1] < vm.free) {
        vm.now += again[1];
        fill(into, again[0]);
        return 0;
      }
      const answer = vm.ask('i2c_register', id, address, register, count);
      if (typeof answer === 'number') return answer;
      if (Array.isArray(answer)) vm.known.set(key, answer);
      fill(into, Array.isArray(answer) ? answer[0] : answer);
      return 0;
    },
    i2c_scan: (id) => length(ask('i2c_scan', id)),
    uart: (id, baud) => post('uart', id, baud),
    uart_any(id) {
      vm.now += OP_US;
      if (known(`uart${id}`) === null) vm.ask('sync');
      return (vm.known.get(`uart${id}`)?.[0] ?? '').length / 2;
    },
    // What is known to wait is only taken.
    uart_read(id, count) {
      const waits = known(`uart${id}`);
      if (waits === null) return length(ask('uart_read', id, count));
      const end = count < 0 ? waits.length : 2 * count;
      vm.known.get(`uart${id}`)[0] = waits.slice(end);
      note('uart_read', id, count);
      return length(waits.slice(0, end));
    },
    uart_write: (id, from, count) => post('uart_write', id, hex(from, count)),
    stdin_any: () => vm.typed, // as of the last answer: asked for in every turn
    stdin_read: (count) => length(ask('stdin_read', count)),
    binary: (on) => note('binary', on),
    out: (from, count) => post('out', Buffer.from(vm.bytes().subarray(from, from + count)).toString('latin1')),
    pulses: (id, level, text) => ask('pulses', id, level, text),

    blob: (into) => fill(into, blob),
    memory: () => length(vm.memory),
    set_memory(from, count) {
      vm.memory = hex(from, count);
      note('set_memory', vm.memory);
    },
    nvs_number: (space, key) => kept(space, key, 'i32'),
    nvs_blob: (space, key) => kept(space, key, 'blob'),
    nvs_set_number: (space, key, from) => keep(space, key, 'i32', hex(from, 4)),
    nvs_set_blob: (space, key, from, count) => keep(space, key, 'blob', hex(from, count)),
    nvs_erase(space, key) {
      note('nvs_erase', space, key);
      return vm.nvs.delete(`${space}/${key}`) ? 0 : 1;
    },
    nvs_commit: (space) => ask('nvs_commit', space),

    aes_ecb(encrypt, key, size, data, count) {
      const make = encrypt ? crypto.createCipheriv : crypto.createDecipheriv;
      const memory = vm.bytes();
      const cipher = make(`aes-${size * 8}-ecb`, memory.slice(key, key + size), null).setAutoPadding(false);
      memory.set(cipher.update(memory.slice(data, data + count)), data);
    },
  };
}
