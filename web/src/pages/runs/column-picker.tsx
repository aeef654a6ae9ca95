import { useState } from 'react';
import { Button, IconButton } from '../../components/button.tsx';
import { Checkbox } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { Popover } from '../../components/popover.tsx';
import styles from './column-picker.module.css';
import { COLUMN_KEYS, type ColumnKey, columnOf, DEFAULT_COLUMNS } from './run-columns.tsx';
import { moved } from './run-table.tsx';

/** Which columns the table has, and in which order: dragged, or moved by the arrows. */
export function ColumnPicker({
  columns,
  onColumns,
}: {
  readonly columns: readonly ColumnKey[];
  readonly onColumns: (columns: readonly ColumnKey[]) => void;
}) {
  const [over, setOver] = useState<ColumnKey | null>(null);
  const others = COLUMN_KEYS.filter((key) => !columns.includes(key));
  return (
    <Popover label="Columns" align="end" trigger={<IconButton icon="columns" label="Columns" />}>
      <div className={styles['picker']}>
        <ul>
          {columns.map((key, index) => (
            <li
              key={key}
              className={styles['line']}
              data-over={over === key || undefined}
              draggable
              onDragStart={(event) => event.dataTransfer.setData('text/x-column', key)}
              onDragOver={(event) => {
                event.preventDefault();
                setOver(key);
              }}
              onDragEnd={() => setOver(null)}
              onDrop={(event) => {
                event.preventDefault();
                setOver(null);
                onColumns(moved(columns, event.dataTransfer.getData('text/x-column') as ColumnKey, key));
              }}
            >
              <span className={styles['grip']}>
                <Icon name="grip" size={14} />
              </span>
              <Checkbox
                label={columnOf(key).label}
                checked
                disabled={columns.length === 1}
                onChange={() => onColumns(columns.filter((one) => one !== key))}
              />
              <span className={styles['moves']}>
                <IconButton
                  icon="arrow-up"
                  label={`${columnOf(key).label} earlier`}
                  disabled={index === 0}
                  onClick={() => onColumns(moved(columns, key, columns[index - 1] ?? key))}
                />
                <IconButton
                  icon="arrow-down"
                  label={`${columnOf(key).label} later`}
                  disabled={index === columns.length - 1}
                  onClick={() => onColumns(moved(columns, key, columns[index + 1] ?? key))}
                />
              </span>
            </li>
          ))}
        </ul>
        <ul className={styles['others']}>
          {others.map((key) => (
            <li key={key} className={styles['line']}>
              <span className={styles['grip']} />
              <Checkbox label={columnOf(key).label} checked={false} onChange={() => onColumns([...columns, key])} />
            </li>
          ))}
        </ul>
        <Button look="ghost" onClick={() => onColumns(DEFAULT_COLUMNS)}>
          As at first
        </Button>
      </div>
    </Popover>
  );
}
