import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** The server's end of one websocket (RFC 6455), as far as servers that only speak need it. */
export interface ServerSocket {
  /** Sends a text message, in `fragments` frames. */
  text(message: string, fragments?: number): void;
  binary(message: Uint8Array): void;
  ping(): void;
  /** Ends it with the closing handshake. */
  close(): void;
  /** Cuts the connection without a word, as a crash does. */
  drop(): void;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
}

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Answers the upgrade request of a websocket (RFC 6455 4.2.2) and gives the server's end of it. */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex): ServerSocket {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const ended = new Promise<void>((resolve) => socket.on('close', resolve));
  // A peer that cuts the connection is what some tests are about.
  socket.on('error', () => {});
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let frame = readFrame(received); frame !== null; frame = readFrame(received)) {
      received = received.subarray(frame.length);
      if (frame.opcode === OPCODE.close) socket.end(frameOf(OPCODE.close, frame.payload));
      if (frame.opcode === OPCODE.ping) socket.write(frameOf(OPCODE.pong, frame.payload));
    }
  });
  const send = (opcode: number, payload: Uint8Array, isLast = true) => {
    if (socket.writable) socket.write(frameOf(opcode, payload, isLast));
  };
  return {
    text(message, fragments = 1) {
      const bytes = Buffer.from(message);
      const size = Math.ceil(bytes.length / fragments) || 1;
      for (let index = 0; index < fragments; index++) {
        const part = bytes.subarray(index * size, (index + 1) * size);
        send(index === 0 ? OPCODE.text : OPCODE.continuation, part, index === fragments - 1);
      }
    },
    binary: (message) => send(OPCODE.binary, message),
    ping: () => send(OPCODE.ping, Buffer.alloc(0)),
    close: () => send(OPCODE.close, Buffer.alloc(0)),
    drop: () => socket.destroy(),
    ended,
  };
}

/** A frame as servers send it: not masked (RFC 6455 5.1). */
function frameOf(opcode: number, payload: Uint8Array, isLast = true): Buffer {
  const first = opcode | (isLast ? 0x80 : 0);
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** The first whole frame of what a client sent: short, and masked (RFC 6455 5.3). Null until it is there. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | null {
  if (bytes.length < 2) return null;
  const size = bytes[1]! & 0x7f;
  const length = 6 + size;
  if (bytes.length < length) return null;
  const mask = bytes.subarray(2, 6);
  const payload = bytes.subarray(6, length).map((byte, index) => byte ^ mask[index % 4]!);
  return { opcode: bytes[0]! & 0x0f, payload: Buffer.from(payload), length };
}
