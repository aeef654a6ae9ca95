import type { ReactNode } from 'react';
import styles from './icon.module.css';

/** Drawn on 16 × 16, in strokes of 1.5 of the text's colour. A name says what is shown, not where it is used. */
const DRAWINGS = {
  runs: <path d="M2.5 4h2M2.5 8h2M2.5 12h2M7 4h6.5M7 8h6.5M7 12h4" />,
  person: (
    <path d="M8 7.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM2.75 14c.3-2.6 2.4-4.25 5.25-4.25S12.95 11.4 13.25 14" />
  ),
  graph: <path d="M2.5 3.5h4v3h-4zM9.5 9.5h4v3h-4zM6.5 5h2.25v6H9.5" />,
  verdict: <path d="M8 1.75 13 3.5v4c0 3.2-2 5.6-5 6.75C5 13.1 3 10.7 3 7.5v-4L8 1.75ZM5.75 7.75l1.6 1.6 3-3.1" />,
  bolt: <path d="M8.75 1.75 3.5 9h4l-.75 5.25L12.5 7h-4l.25-5.25Z" />,
  cube: <path d="M8 1.75 13.5 4.75v6.5L8 14.25l-5.5-3v-6.5L8 1.75ZM2.75 4.9 8 7.75l5.25-2.85M8 7.75v6.25" />,
  sliders: <path d="M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7M10.75 2.75v3.5M5.25 9.75v3.5" />,
  gauge: <path d="M2.4 12.5a6.25 6.25 0 1 1 11.2 0M8 9.5l2.75-3.25" />,
  search: <path d="M7 11.75a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.5ZM10.5 10.5l3.25 3.25" />,
  filter: <path d="M2 3.5h12M4.25 8h7.5M6.5 12.5h3" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  check: <path d="m3 8.5 3.25 3.25L13 4.75" />,
  minus: <path d="M3.5 8h9" />,
  plus: <path d="M8 3v10M3 8h10" />,
  'chevron-down': <path d="m4 6 4 4 4-4" />,
  'chevron-up': <path d="m4 10 4-4 4 4" />,
  'chevron-right': <path d="m6 4 4 4-4 4" />,
  'chevron-left': <path d="m10 4-4 4 4 4" />,
  'arrow-up': <path d="M8 13V3M4 7l4-4 4 4" />,
  'arrow-down': <path d="M8 3v10M4 9l4 4 4-4" />,
  'arrow-right': <path d="M3 8h10M9 4l4 4-4 4" />,
  more: (
    <g fill="currentColor" stroke="none">
      <circle cx="3.25" cy="8" r="1.25" />
      <circle cx="8" cy="8" r="1.25" />
      <circle cx="12.75" cy="8" r="1.25" />
    </g>
  ),
  menu: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11" />,
  copy: <path d="M6 6h7.25v7.25H6zM3.5 10H2.75V2.75H10v.75" />,
  external: <path d="M6.5 3H3v10h10V9.5M9.5 2.75h3.75V6.5M13 3 7.5 8.5" />,
  link: (
    <path d="M6.75 9.25a2.75 2.75 0 0 0 3.9 0l2.2-2.2a2.76 2.76 0 0 0-3.9-3.9l-.8.8M9.25 6.75a2.75 2.75 0 0 0-3.9 0l-2.2 2.2a2.76 2.76 0 0 0 3.9 3.9l.8-.8" />
  ),
  sun: (
    <path d="M8 10.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM8 1.5v1.25M8 13.25v1.25M1.5 8h1.25M13.25 8h1.25M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
  ),
  moon: <path d="M13.25 9.6A5.6 5.6 0 0 1 6.4 2.75a5.6 5.6 0 1 0 6.85 6.85Z" />,
  screen: <path d="M2 3h12v8H2zM5.5 13.75h5" />,
  play: <path d="M4.5 2.75v10.5L13 8 4.5 2.75Z" />,
  stop: <path d="M3.75 3.75h8.5v8.5h-8.5z" />,
  retry: (
    <path d="M13 7.25A5.1 5.1 0 0 0 3.6 5.5M3 8.75a5.1 5.1 0 0 0 9.4 1.75M3.25 2.5v3.25H6.5M12.75 13.5v-3.25H9.5" />
  ),
  trash: <path d="M2.75 4h10.5M6 4V2.5h4V4M4.25 4l.6 9.5h6.3l.6-9.5M6.75 6.75v4M9.25 6.75v4" />,
  download: <path d="M8 2.25v8M4.5 7 8 10.5 11.5 7M2.75 13.5h10.5" />,
  upload: <path d="M8 10.5v-8M4.5 5.75 8 2.25l3.5 3.5M2.75 13.5h10.5" />,
  columns: <path d="M2.25 3h11.5v10H2.25zM6 3v10M10 3v10" />,
  bookmark: <path d="M4 2.25h8v11.5l-4-3-4 3V2.25Z" />,
  clock: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.75V8l2.25 1.5" />,
  info: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.5V11M8 5v.1" />,
  warning: <path d="M8 2.25 14.25 13H1.75L8 2.25ZM8 6.5v3M8 11.25v.1" />,
  error: <path d="M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5L5.5 2ZM8 5v3.5M8 10.75v.1" />,
  keyboard: <path d="M1.75 4h12.5v8H1.75zM4.25 6.75h.1M6.75 6.75h.1M9.25 6.75h.1M11.75 6.75h.1M5.25 9.5h5.5" />,
  meaning: <path d="M8 2c.4 3.4 2 5.2 5.5 6-3.5.8-5.1 2.6-5.5 6-.4-3.4-2-5.2-5.5-6C6 7.2 7.6 5.4 8 2Z" />,
  exact: <path d="M3.5 4.25v-1.5h9v1.5M8 2.75v10.5M6 13.25h4" />,
  grip: (
    <g fill="currentColor" stroke="none">
      <circle cx="6" cy="4" r="1" />
      <circle cx="10" cy="4" r="1" />
      <circle cx="6" cy="8" r="1" />
      <circle cx="10" cy="8" r="1" />
      <circle cx="6" cy="12" r="1" />
      <circle cx="10" cy="12" r="1" />
    </g>
  ),
  key: (
    <path d="M10.25 8.75a3 3 0 1 0-2.8-1.95L2.5 11.75v2h2.25v-1.5h1.5v-1.5l1.4-1.4c.8.3 1.7.3 2.6-.6ZM11.25 4.75v.1" />
  ),
  leave: <path d="M6.5 13.5H2.75v-11H6.5M6 8h7.5M10.5 5l3 3-3 3" />,
  eye: (
    <path d="M1.5 8S3.75 3.75 8 3.75 14.5 8 14.5 8 12.25 12.25 8 12.25 1.5 8 1.5 8ZM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z" />
  ),
  edit: <path d="m10.5 2.75 2.75 2.75-8 8H2.5v-2.75l8-8Z" />,
  undo: <path d="M3 6.25h6.5a3.5 3.5 0 0 1 0 7H6M5.75 3.25 2.75 6.25l3 3" />,
  redo: <path d="M13 6.25H6.5a3.5 3.5 0 0 0 0 7H10M10.25 3.25l3 3-3 3" />,
  compare: <path d="M8 1.75v12.5M6 4H2.25v8H6M10 4h3.75v8H10" />,
  zoom: <path d="M7 11.75a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.5ZM10.5 10.5l3.25 3.25M5 7h4M7 5v4" />,
  fit: <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />,
  dollar: (
    <path d="M11 5c-.4-1-1.5-1.5-3-1.5C6.25 3.5 5 4.25 5 5.6c0 3 6.2 1.5 6.2 4.7 0 1.4-1.4 2.2-3.2 2.2-1.7 0-2.9-.7-3.3-1.9M8 1.75v12.5" />
  ),
} satisfies Readonly<Record<string, ReactNode>>;

export type IconName = keyof typeof DRAWINGS;

/** All names, in the order in which `/design` shows them. */
export const ICON_NAMES = Object.keys(DRAWINGS) as IconName[];

/** A small drawing beside words. Alone, as in a button, the button carries the words. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: 12 | 14 | 16 | 20 | 24 }) {
  return (
    <svg className={styles['icon']} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {DRAWINGS[name]}
    </svg>
  );
}
