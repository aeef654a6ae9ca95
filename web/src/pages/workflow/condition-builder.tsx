import type { JsonValue } from '../../../../src/domain/json.ts';
import { isBinary, OPERATORS } from '../../../../src/domain/operator.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { Checkbox, Segments, Select } from '../../components/field.tsx';
import {
  type Condition,
  type Group,
  NEW_GROUP,
  NEW_RULE,
  type Rule,
  readCondition,
  writeCondition,
} from './condition.ts';
import styles from './fields.module.css';
import { JsonField } from './json-field.tsx';
import { TemplateField } from './template-field.tsx';

/** Groups within groups beyond this are edited as JSON: they leave no room on the screen. */
const DEEPEST = 3;

/** Rules and groups of rules. A condition in a form of its own is edited as JSON. */
export function ConditionBuilder({
  label,
  value,
  keys,
  onChange,
}: {
  readonly label: string;
  readonly value: JsonValue | undefined;
  readonly keys: readonly string[];
  readonly onChange: (value: JsonValue | undefined) => void;
}) {
  const group = readCondition(value);
  if (!group) return <JsonField label={label} value={value} onChange={onChange} />;
  return (
    <GroupEditor
      label={label}
      group={group}
      keys={keys}
      depth={1}
      onChange={(next) => onChange(writeCondition(next) ?? undefined)}
    />
  );
}

function GroupEditor({
  label,
  group,
  keys,
  depth,
  onChange,
  onRemove,
}: {
  readonly label: string;
  readonly group: Group;
  readonly keys: readonly string[];
  readonly depth: number;
  readonly onChange: (group: Group) => void;
  readonly onRemove?: () => void;
}) {
  const put = (at: number, part: Condition) => onChange({ ...group, parts: group.parts.with(at, part) });
  const drop = (at: number) => onChange({ ...group, parts: group.parts.toSpliced(at, 1) });
  return (
    <fieldset className={styles['group']} aria-label={label}>
      <div className={styles['group-head']}>
        <Segments
          label={`${label}: how its rules count`}
          value={group.combinator}
          options={[
            { value: 'all', label: 'All hold' },
            { value: 'any', label: 'Any holds' },
          ]}
          onChange={(combinator) => onChange({ ...group, combinator })}
        />
        <Checkbox label="not" checked={group.isNot} onChange={() => onChange({ ...group, isNot: !group.isNot })} />
        {onRemove && <IconButton icon="trash" label="Remove the group" onClick={onRemove} />}
      </div>
      {group.parts.map((part, index) => {
        const name = `${label}, ${index + 1}`;
        return part.kind === 'rule' ? (
          <RuleEditor
            // biome-ignore lint/suspicious/noArrayIndexKey: a rule is known by its place alone
            key={index}
            label={name}
            rule={part}
            keys={keys}
            onChange={(next) => put(index, next)}
            onRemove={() => drop(index)}
          />
        ) : (
          <GroupEditor
            // biome-ignore lint/suspicious/noArrayIndexKey: so is a group
            key={index}
            label={name}
            group={part}
            keys={keys}
            depth={depth + 1}
            onChange={(next) => put(index, next)}
            onRemove={() => drop(index)}
          />
        );
      })}
      <div className={styles['row']}>
        <Button
          look="ghost"
          icon="plus"
          onClick={() =>
            onChange({
              ...group,
              parts: [...group.parts, { ...NEW_RULE, left: keys[0] === undefined ? '' : `((${keys[0]}))` }],
            })
          }
        >
          Rule
        </Button>
        {depth < DEEPEST && (
          <Button look="ghost" icon="plus" onClick={() => onChange({ ...group, parts: [...group.parts, NEW_GROUP] })}>
            Group
          </Button>
        )}
      </div>
    </fieldset>
  );
}

function RuleEditor({
  label,
  rule,
  keys,
  onChange,
  onRemove,
}: {
  readonly label: string;
  readonly rule: Rule;
  readonly keys: readonly string[];
  readonly onChange: (rule: Rule) => void;
  readonly onRemove: () => void;
}) {
  return (
    <div className={styles['rule']}>
      <TemplateField
        aria-label={`${label}: value`}
        placeholder="((Key))"
        lines={1}
        keys={keys}
        value={shownText(rule.left)}
        onChange={(text) => onChange({ ...rule, left: readText(text) })}
      />
      <IconButton icon="trash" label={`Remove ${label}`} onClick={onRemove} />
      <Select
        aria-label={`${label}: comparison`}
        value={rule.operator}
        onChange={({ target }) =>
          onChange({ ...rule, operator: OPERATORS.find((name) => name === target.value) ?? 'equals' })
        }
      >
        {OPERATORS.map((name) => (
          <option key={name} value={name}>
            {name.replaceAll('_', ' ')}
          </option>
        ))}
      </Select>
      {isBinary(rule.operator) && (
        <TemplateField
          aria-label={`${label}: compared with`}
          lines={1}
          keys={keys}
          value={shownText(rule.right)}
          onChange={(text) => onChange({ ...rule, right: readText(text) })}
        />
      )}
    </div>
  );
}

/** Text as it is, everything else as JSON. */
export function shownText(value: JsonValue): string {
  return typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
}

/** Lists and objects are meant as such; numbers compare the same as text. */
export function readText(text: string): JsonValue {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
