import { DropdownMenu as Radix } from 'radix-ui';
import { Fragment, type ReactElement, type ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';
import { Keys } from './kbd.tsx';
import styles from './menu.module.css';

/** A line of a menu. `ticked` makes it a choice that can be on or off; the menu stays open for those. */
export interface MenuItem {
  readonly label: ReactNode;
  readonly icon?: IconName;
  readonly keys?: string;
  readonly danger?: boolean;
  readonly ticked?: boolean;
  /** Why it cannot be chosen now; shown below the label. */
  readonly refused?: string | null;
  readonly onChoose: () => void;
}

/** A group of lines, parted from the others by a rule. */
export interface MenuGroup {
  readonly title?: string;
  readonly items: readonly MenuItem[];
}

export function Menu({
  trigger,
  groups,
  align = 'end',
}: {
  readonly trigger: ReactElement;
  readonly groups: readonly MenuGroup[];
  readonly align?: 'start' | 'end';
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={styles['menu']} align={align} sideOffset={4} collisionPadding={8}>
          {groups.map((group, index) => (
            // Groups of one menu never move.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <Fragment key={index}>
              {index > 0 && <Radix.Separator className={styles['rule']} />}
              <Radix.Group>
                {group.title !== undefined && <Radix.Label className={styles['title']}>{group.title}</Radix.Label>}
                {group.items.map((item, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: nor do their lines
                  <Line key={at} {...item} />
                ))}
              </Radix.Group>
            </Fragment>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Line({ label, icon, keys, danger = false, ticked, refused, onChoose }: MenuItem) {
  const inside = (
    <>
      <span className={styles['sign']}>
        {ticked === undefined ? icon && <Icon name={icon} size={14} /> : ticked && <Icon name="check" size={14} />}
      </span>
      <span className={styles['words']}>
        {label}
        {refused && <span className={styles['refused']}>{refused}</span>}
      </span>
      {keys !== undefined && <Keys keys={keys} />}
    </>
  );
  const attributes = { className: styles['line'], disabled: Boolean(refused), 'data-danger': danger || undefined };
  if (ticked === undefined) {
    return (
      <Radix.Item {...attributes} onSelect={onChoose}>
        {inside}
      </Radix.Item>
    );
  }
  return (
    <Radix.CheckboxItem
      {...attributes}
      checked={ticked}
      onSelect={(event) => {
        event.preventDefault();
        onChoose();
      }}
    >
      {inside}
    </Radix.CheckboxItem>
  );
}
