// The other side of test_lora_packet.py: for each case (a JSON line on stdin) lora-packet reads the frame we made,
// makes the frame it would have made of the same fields, and answers with both as a JSON line on stdout.
import readline from 'node:readline';
import loraPacket from 'lora-packet';

const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (buffer) => buffer.toString('hex');

function data(c) {
  const [nwk, app, upper] = [bytes(c.nwk_s_key), bytes(c.app_s_key), bytes(c.f_cnt_upper)];
  const read = loraPacket.fromWire(bytes(c.phy));
  const made = loraPacket.fromFields(
    {
      MType: c.mtype,
      DevAddr: bytes(c.dev_addr),
      FCtrl: { ADR: c.adr, ADRACKReq: c.adr_ack_req, ACK: c.ack, FPending: c.bit_4 },
      FCnt: bytes(c.f_cnt_lower),
      FOpts: bytes(c.f_opts),
      ...(c.f_port === null ? {} : { FPort: c.f_port }),
      payload: bytes(c.payload),
    },
    app, nwk, undefined, upper,
  );
  if (c.f_port === null) loraPacket.recalculateMIC(made, nwk, undefined, upper); // it signs by itself only frames with a port
  return {
    mic: loraPacket.verifyMIC(read, nwk, undefined, upper),
    mtype: read.MHDR[0] >> 5,
    dev_addr: hex(read.DevAddr),
    adr: read.getFCtrlADR(),
    adr_ack_req: read.getFCtrlADRACKReq(),
    ack: read.getFCtrlACK(),
    bit_4: read.getFCtrlFPending(),
    f_cnt_lower: hex(read.FCnt),
    f_opts: hex(read.FOpts),
    f_port: read.getFPort(),
    payload: c.f_port === null ? hex(read.FRMPayload) : hex(loraPacket.decrypt(read, app, nwk, upper)),
    made: hex(made.PHYPayload),
  };
}

function joinRequest(c) {
  const appKey = bytes(c.app_key);
  const read = loraPacket.fromWire(bytes(c.phy));
  const made = loraPacket.fromFields(
    { AppEUI: bytes(c.join_eui), DevEUI: bytes(c.dev_eui), DevNonce: bytes(c.dev_nonce) },
    undefined, undefined, appKey,
  );
  return {
    mic: loraPacket.verifyMIC(read, undefined, appKey),
    join_eui: hex(read.AppEUI),
    dev_eui: hex(read.DevEUI),
    dev_nonce: hex(read.DevNonce),
    made: hex(made.PHYPayload),
  };
}

function joinAccept(c) {
  const appKey = bytes(c.app_key);
  const read = loraPacket.fromWire(loraPacket.decryptJoinAccept(loraPacket.fromWire(bytes(c.phy)), appKey));
  const made = loraPacket.fromFields(
    {
      AppNonce: bytes(c.join_nonce),
      NetID: bytes(c.net_id),
      DevAddr: bytes(c.dev_addr),
      DLSettings: bytes(c.dl_settings),
      RxDelay: bytes(c.rx_delay),
      CFList: bytes(c.cf_list),
    },
    undefined, undefined, appKey,
  );
  const keys = loraPacket.generateSessionKeys(appKey, read.NetID, read.AppNonce, bytes(c.dev_nonce));
  return {
    mic: loraPacket.verifyMIC(read, undefined, appKey),
    join_nonce: hex(read.AppNonce),
    net_id: hex(read.NetID),
    dev_addr: hex(read.DevAddr),
    dl_settings: hex(read.DLSettings),
    rx_delay: hex(read.RxDelay),
    cf_list: hex(read.CFList),
    nwk_s_key: hex(keys.NwkSKey),
    app_s_key: hex(keys.AppSKey),
    made: hex(made.PHYPayload),
  };
}

const answer = { data, join_request: joinRequest, join_accept: joinAccept };
for await (const line of readline.createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  console.log(JSON.stringify(answer[c.kind](c)));
}
