// Reads the log of a data folder as docs/format.md describes it, and shares no code with Everfold.
//
//     const { events, blocks, damage } = readLog('data'); // damage: [{ segment, offset, what }]
//
// It throws where the page says "refuse".
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash128 } from './xxh3.mjs';

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
    for (let bit = 0; bit < 8; bit++) {
        n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
    }
    return n;
});

/** CRC-32C of several pieces, one after the other. */
export function crc(...pieces) {
    let sum = 0xffffffff;
    for (const byte of Buffer.concat(pieces)) {
        sum = crcTable[(sum ^ byte) & 255] ^ (sum >>> 8);
    }
    return ~sum >>> 0;
}

const number = (bytes, offset) => Number(bytes.readBigUInt64LE(offset)); // positions and sizes stay below 2^53
const roundUp = (offset, to) => Math.ceil(offset / to) * to;
const uuid = (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
const refuse = (why) => { throw new Error(why); };

function storeId(dir) {
    const [first, format, id] = readFileSync(join(dir, 'store'), 'utf8').split('\n');
    return first !== 'everfold store' ? refuse('not a store') : format !== 'format 1' ? refuse('a newer store') : id.slice(3);
}

/** Null when it is damaged. */
function segmentHeader(bytes, id, name) {
    if (bytes.length < 128 || bytes.toString('latin1', 0, 8) !== 'EVERSEG\n' || bytes.readUInt32LE(8) !== crc(bytes.subarray(12, 128))) {
        return null;
    }
    const header = { number: bytes.readUInt32LE(32), alignment: bytes.readUInt32LE(36), size: number(bytes, 40), firstPosition: number(bytes, 48),
        beforeEnd: number(bytes, 56), beforeChain: bytes.subarray(72, 88) };
    if (bytes.readUInt32LE(12) > 1) {
        refuse('written by a newer version');
    }
    if (uuid(bytes.subarray(16, 32)) !== id) {
        refuse('a segment of another store');
    }
    return header.number === name && header.firstPosition >= 1 ? header : null;
}

/** The block at `offset`; null when none that belongs there begins there. */
function blockAt(bytes, offset, segment, id) {
    const header = bytes.subarray(offset, offset + 96);
    if (header.length < 96 || header.toString('latin1', 0, 4) !== 'EVBK' || header.readUInt32LE(4) !== crc(header.subarray(8))) {
        return null;
    }
    const end = offset + 96 + header.readUInt32LE(52);
    const block = { offset, end, next: roundUp(end, segment.alignment), firstPosition: number(header, 32), time: header.readBigInt64LE(40), count: header.readUInt32LE(48),
        durable: header.readUInt32LE(60), previous: header.subarray(64, 80), payload: bytes.subarray(offset + 96, end) };
    const isHere = uuid(header.subarray(8, 24)) === id && header.readUInt32LE(24) === segment.number && header.readUInt32LE(28) === offset;
    const belongs = isHere && block.firstPosition >= segment.firstPosition && end <= segment.size &&
        (block.count === 0 ? block.payload.length === 0 : end - offset - 96 >= 16 * block.count);
    if (belongs && header.readUInt32LE(80) !== 0) {
        refuse('a block of a newer version');
    }
    block.isWhole = crc(block.payload) === header.readUInt32LE(56);
    return belongs ? block : null;
}

function decodeEvent(bytes, position, time) {
    let at = 18;
    const varint = () => {
        let value = 0n;
        for (let shift = 0n; ; shift += 7n) {
            value |= BigInt(bytes[at] & 127) << shift;
            if (bytes[at++] < 128) {
                return Number(value);
            }
        }
    };
    const take = (size) => bytes.subarray(at, (at += size));
    const text = () => take(varint()).toString();
    const flags = bytes[1];
    if (bytes[0] !== 1 || flags > 31) {
        refuse('an event of a newer version');
    }
    const event = { position, time, id: uuid(bytes.subarray(2, 18)), continues: (flags & 1) !== 0, isBytes: (flags & 2) !== 0 };
    event.revision = varint();
    event.stream = text();
    event.type = text();
    event.tags = flags & 8 ? Array.from({ length: varint() }, text) : [];
    event.metadata = flags & 4 ? text() : null;
    take(flags & 16 ? varint() : 0);
    event.data = bytes.subarray(at);
    return event;
}

/** The events of a block; null for each one that is damaged. */
function eventsOf(block) {
    const position = Buffer.alloc(8);
    const events = [];
    for (let at = 0; events.length < block.count;) {
        const size = at + 16 <= block.payload.length ? block.payload.readUInt32LE(at + 4) : Infinity;
        position.writeBigUInt64LE(BigInt(block.firstPosition + events.length));
        const record = block.payload.subarray(at, at + 16 + size);
        const isWhole = record.length === 16 + size && record.readUInt32LE(0) === crc(position, record.subarray(4));
        events.push(isWhole ? decodeEvent(record.subarray(16), block.firstPosition + events.length, record.readBigInt64LE(8)) : null);
        at += 16 + size;
    }
    return events;
}

export function readLog(dir) {
    const id = storeId(dir);
    const files = readdirSync(join(dir, 'log')).filter((name) => name.endsWith('.seg')).sort().map((name) => readFileSync(join(dir, 'log', name)));
    const segments = files.map((bytes, index) => segmentHeader(bytes, id, index + 1));
    const log = { events: [], blocks: [], damage: [] }; // blocks: how many events are in each
    let chain = Buffer.alloc(16);
    const fail = (segment, offset, what) => log.damage.push({ segment, offset, what });
    for (const [index, segment] of segments.entries()) {
        if (segment === null) {
            fail(index + 1, 0, 'segment header');
            break;
        }
        const next = segments[index + 1]; // undefined: this is the last one; null: it is damaged
        const end = next?.beforeEnd ?? files[index].length;
        if (!segment.beforeChain.equals(chain)) {
            fail(index + 1, 0, 'chain');
        }
        let offset = segment.alignment;
        for (let block; offset < end && (block = blockAt(files[index], offset, segment, id)) && block.isWhole; offset = block.next) {
            if (!block.previous.equals(chain) || block.firstPosition !== log.events.length + 1) {
                fail(index + 1, offset, 'chain');
            }
            chain = hash128(files[index].subarray(offset, block.end));
            log.events.push(...eventsOf(block));
            log.blocks.push(block.count);
        }
        let isDamage = next ? offset !== end : false;
        for (let at = offset; next === undefined && at < end; at += segment.alignment) {
            const later = blockAt(files[index], at, segment, id);
            isDamage ||= later !== null && later.durable > offset && later.firstPosition > log.events.length;
        }
        if (isDamage) {
            fail(index + 1, offset, 'block'); // a reader that serves the rest would go on behind it
            break;
        }
    }
    return log;
}
