import { expect, it } from 'vitest';
import { TINY_PNG } from '../../test/support/comfyui-server.ts';
import { imageSize } from './image-size.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

it.each<[string, Buffer, [number, number]]>([
  ['PNG', TINY_PNG, [1, 1]],
  ['GIF', hex('474946383961 0004 0003'), [1024, 768]],
  ['JPEG', hex('ffd8 ffe0 0010 4a46494600010101004800480000 ffc0 0011 08 0300 0400 03'), [1024, 768]],
  ['lossy WebP', hex('52494646 00000000 57454250 56503820 00000000 000000 9d012a 0004 0003'), [1024, 768]],
  ['lossless WebP', hex('52494646 00000000 57454250 5650384c 00000000 2f ffc3bf00'), [1024, 768]],
  ['extended WebP', hex('52494646 00000000 57454250 56503858 0a000000 00000000 ff0300 ff0200'), [1024, 768]],
])('the size of a %s is read from its header', (_, bytes, [width, height]) => {
  expect(imageSize(bytes)).toEqual({ width, height });
});

it.each([
  ['empty', Buffer.alloc(0)],
  ['cut short', TINY_PNG.subarray(0, 18)],
  ['text', Buffer.from('no image at all, only some text')],
  ['a JPEG without a frame', hex('ffd8 ffe0 0002 00')],
])('what is %s has none', (_, bytes) => {
  expect(imageSize(bytes)).toBeNull();
});
