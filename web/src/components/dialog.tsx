import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { IconButton } from './button.tsx';
import styles from './dialog.module.css';

/** A question or a form before the page, which waits behind it. Esc and a click beside it close it; the focus goes back to where it was. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  size = 'normal',
  footer,
  children,
}: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly size?: 'normal' | 'wide' | 'full';
  /** Buttons, the one that goes on last. */
  readonly footer?: ReactNode;
  readonly children?: ReactNode;
}) {
  return (
    <Radix.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles['scrim']} />
        <Radix.Content
          className={styles['dialog']}
          data-size={size}
          onOpenAutoFocus={focusFirst}
          {...(description === undefined && { 'aria-describedby': undefined })}
        >
          <header className={styles['header']}>
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton icon="close" label="Close" keys="Escape" />
            </Radix.Close>
          </header>
          <div className={styles['body']}>
            {description !== undefined && (
              <Radix.Description asChild>
                <div className={styles['description']}>{description}</div>
              </Radix.Description>
            )}
            {children}
          </div>
          {footer !== undefined && <footer className={styles['footer']}>{footer}</footer>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A panel from an edge of the window. */
export function Sheet({
  open,
  onClose,
  title,
  side = 'left',
  children,
}: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly side?: 'left' | 'right';
  readonly children: ReactNode;
}) {
  return (
    <Radix.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles['scrim']} />
        <Radix.Content
          className={styles['sheet']}
          data-side={side}
          aria-describedby={undefined}
          onOpenAutoFocus={focusWhole}
        >
          <Radix.Title className="unseen">{title}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/**
 * The first field that is asked for, or where there is none the first of several actions, which is the one that changes nothing. Not the button that
 * closes it, whose tooltip would come up, nor an only action, which would put away what is to be read.
 */
function focusFirst(event: Event): void {
  if (!(event.currentTarget instanceof HTMLElement)) return;
  const dialog = event.currentTarget;
  const field = dialog.querySelector<HTMLElement>(`.${styles['body']} :is(input, select, textarea):enabled`);
  const actions = dialog.querySelectorAll<HTMLElement>(`.${styles['footer']} button:enabled`);
  event.preventDefault();
  (field ?? (actions.length > 1 ? actions[0] : undefined) ?? dialog).focus();
}

/** A panel is looked at first: its first button would be the one that closes it, with its tooltip. */
function focusWhole(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}
