// A foreign end device made of lora-packet: it does what each JSON line on stdin says and answers with a line on stdout.
import readline from 'node:readline';
import loraPacket from 'lora-packet';

const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (buffer) => buffer.toString('hex');

const session = {};

const does = {
  // The session of the bench: its address and keys.
  personalise(c) {
    Object.assign(session, { devAddr: bytes(c.dev_addr), nwk: bytes(c.nwk_s_key), app: bytes(c.app_s_key) });
    return {};
  },
  joinRequest(c) {
    session.devNonce = bytes(c.dev_nonce);
    const request = loraPacket.fromFields(
      { AppEUI: bytes(c.join_eui), DevEUI: bytes(c.dev_eui), DevNonce: session.devNonce },
      undefined, undefined, bytes(c.app_key),
    );
    return { phy: hex(request.PHYPayload) };
  },
  joinAccept(c) {
    const appKey = bytes(c.app_key);
    const accept = loraPacket.fromWire(loraPacket.decryptJoinAccept(loraPacket.fromWire(bytes(c.phy)), appKey));
    const keys = loraPacket.generateSessionKeys(appKey, accept.NetID, accept.AppNonce, session.devNonce);
    Object.assign(session, { devAddr: accept.DevAddr, nwk: keys.NwkSKey, app: keys.AppSKey });
    return { mic: loraPacket.verifyMIC(accept, undefined, appKey), dev_addr: hex(accept.DevAddr) };
  },
  uplink(c) {
    const frame = loraPacket.fromFields(
      {
        MType: c.confirmed ? 'Confirmed Data Up' : 'Unconfirmed Data Up',
        DevAddr: session.devAddr,
        FCtrl: { ADR: false, ADRACKReq: false, ACK: false, FPending: false },
        FCnt: bytes(c.f_cnt),
        FPort: c.f_port,
        payload: bytes(c.payload),
      },
      session.app, session.nwk,
    );
    return { phy: hex(frame.PHYPayload) };
  },
  downlink(c) {
    const frame = loraPacket.fromWire(bytes(c.phy));
    const payload = frame.FRMPayload && frame.FRMPayload.length ? hex(loraPacket.decrypt(frame, session.app, session.nwk)) : '';
    return {
      mic: loraPacket.verifyMIC(frame, session.nwk),
      mtype: frame.getMType(),
      f_cnt: frame.getFCnt(),
      ack: frame.getFCtrlACK(),
      f_opts: hex(frame.FOpts),
      payload,
    };
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  console.log(JSON.stringify(does[c.do](c)));
}
