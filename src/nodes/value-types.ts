import { DATA_TYPES, type DataType, type ValueType } from '../domain/value.ts';

/** One value of this data type. */
export function one(dataType: DataType): ValueType {
  return { dataType, isList: false };
}

/** Many values of this data type: what other nodes may take one at a time. */
export function many(dataType: DataType): ValueType {
  return { dataType, isList: true };
}

/** Every type, once and as a list: the choices of a connector that carries whatever the author wants. */
export const EVERY_TYPE: readonly ValueType[] = DATA_TYPES.flatMap((dataType) => [one(dataType), many(dataType)]);
