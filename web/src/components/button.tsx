import type { ComponentProps } from 'react';
import styles from './button.module.css';
import { Icon, type IconName } from './icon.tsx';
import { Tooltip } from './tooltip.tsx';

export interface ButtonProps extends ComponentProps<'button'> {
  /** `primary`: the one thing a view is for. `danger`: what cannot be undone. `ghost`: among many others, without an edge. */
  readonly look?: 'plain' | 'primary' | 'danger' | 'ghost';
  readonly icon?: IconName;
  /** Keeps its width, says that it works, and cannot be pressed again. */
  readonly busy?: boolean;
}

export function Button({ look = 'plain', icon, busy = false, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={[styles['button'], styles[look], className].filter(Boolean).join(' ')}
      // It stays focusable, so that the focus is not lost while it works.
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      disabled={disabled}
      {...rest}
      onClick={busy ? undefined : rest.onClick}
    >
      {busy ? <span className={styles['busy']} /> : icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  readonly icon: IconName;
  /** What it does: its name for screen readers, and its tooltip. */
  readonly label: string;
  readonly look?: 'plain' | 'ghost';
  readonly pressed?: boolean;
  /** The key that does the same, shown in the tooltip. */
  readonly keys?: string;
}

export function IconButton({ icon, label, look = 'ghost', pressed, keys, className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} {...(keys !== undefined && { keys })}>
      <button
        type="button"
        aria-label={label}
        aria-pressed={pressed}
        className={[styles['button'], styles['alone'], styles[look], className].filter(Boolean).join(' ')}
        {...rest}
      >
        <Icon name={icon} />
      </button>
    </Tooltip>
  );
}
