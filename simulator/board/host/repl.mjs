// The serial prompt of a board, as mpremote and people expect it of a real one.
//
// The build's own prompt does the work. What it lacks is here: a soft reset does nothing in it, raw-paste reads a stdin
// that is not there and never ends, and lines end without a carriage return.
const FORCED_EXIT = 0x100; // of replProcessChar: Ctrl-D on an empty line
const CTRL_A = 1;
const CTRL_B = 2;
const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_E = 5;
const WINDOW = 128; // bytes that raw-paste lets the other end send ahead
const BANNER = 'raw REPL; CTRL-B to exit\r\n>';

export class Repl {
  constructor(vm) {
    this.vm = vm;
    this.begin();
  }

  // The prompt of an interpreter that has begun anew. raw: the other end was in raw mode, and stays there.
  begin(raw = false) {
    this.ready = false;
    this.raw = raw;
    this.clean = true; // nothing was typed yet, in raw mode, so that CTRL-E may ask for raw-paste
    this.asked = 0; // bytes that came of what asks for raw-paste
    this.paste = null; // of raw-paste: the program so far
    this.skip = 0; // bytes that Python says and nobody is to hear
  }

  // Show the prompt, when main.py has ended or was interrupted.
  prompt() {
    if (this.ready) return;
    this.ready = true;
    this.silently(this.raw, () => this.vm.mp.replInit());
    if (this.raw) {
      this.silently(true, () => this.char(CTRL_A));
      this.say(BANNER);
    }
  }

  // Bytes from the other end; returns 'soft' when they ask for a soft reset, and leaves the rest for after it.
  feed(bytes) {
    this.prompt();
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.byte(bytes[at])) return { soft: true, rest: bytes.subarray(at + 1).toString('latin1'), raw: this.raw };
      if (this.vm.ending) return this.vm.ending;
    }
    return null;
  }

  byte(byte) {
    if (this.paste) return this.pasted(byte);
    if (this.raw && this.asksForPaste(byte)) return false;
    if (byte === CTRL_A) this.raw = true;
    if (byte === CTRL_B) this.raw = false;
    this.clean = byte <= CTRL_D; // each of these begins anew
    return this.char(byte);
  }

  // CTRL-E A CTRL-A at the beginning of a program: what comes then is the program, CTRL-D ends it.
  asksForPaste(byte) {
    const asked = [CTRL_E, 'A'.charCodeAt(0), CTRL_A];
    const before = this.asked;
    if (byte !== asked[before] || (before === 0 && !this.clean)) {
      for (const held of asked.slice(0, before)) this.char(held);
      this.asked = 0;
      return false;
    }
    this.asked = before + 1;
    if (this.asked === asked.length) {
      this.asked = 0;
      this.paste = [];
      this.window = WINDOW;
      this.say(`R\x01${String.fromCharCode(WINDOW)}\x00\x01`); // understood; so much, and as much again
    }
    return true;
  }

  pasted(byte) {
    if (byte === CTRL_C) {
      this.paste = null;
      this.say('\x04\x04Traceback (most recent call last):\r\nKeyboardInterrupt: \r\n\x04>');
      return false;
    }
    if (byte !== CTRL_D) {
      this.paste.push(byte);
      this.window -= 1;
      if (!this.window) {
        this.window = WINDOW;
        this.say('\x01');
      }
      return false;
    }
    const program = this.paste;
    this.paste = null;
    this.skip = 2; // raw mode's "OK", which raw-paste says as CTRL-D
    this.say('\x04');
    for (const each of program.length ? program : [10]) this.char(each);
    return this.char(CTRL_D);
  }

  char(byte) {
    const { vm } = this;
    try {
      return (vm.mp.replProcessChar(byte) & FORCED_EXIT) !== 0;
    } catch (error) {
      if (!vm.ending) throw error;
      return false;
    }
  }

  silently(silent, call) {
    this.muted = silent;
    call();
    this.muted = false;
  }

  // From Python: lines end as on a real board.
  print(bytes) {
    if (this.muted) return;
    let text = Buffer.from(bytes).toString('latin1');
    const skipped = Math.min(this.skip, text.length);
    this.skip -= skipped;
    text = text.slice(skipped);
    this.say(text.replace(/\r?\n/g, '\r\n'));
  }

  say(text) {
    if (text) this.vm.post('out', text);
  }
}
