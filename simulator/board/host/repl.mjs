export class Repl { constructor(vm){this.vm=vm} feed(){ return null } }
