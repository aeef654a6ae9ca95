/** A sparse matrix by rows (CSR): row `i` holds columns `columns[k]` with `values[k]`, for k in starts[i] .. starts[i+1]. */
export interface SparseMatrix {
  readonly rows: number;
  readonly width: number;
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/** A row being summed up: dense, with the list of the columns touched. */
export class RowSum {
  readonly #values: Float64Array;
  #touched: number[] = [];

  constructor(width: number) {
    this.#values = new Float64Array(width);
  }

  /** Adds `value` (above 0) to `column`. */
  add(column: number, value: number): void {
    if (this.#values[column] === 0) this.#touched.push(column);
    this.#values[column] = this.#values[column]! + value;
  }

  /** Adds `factor` times a row of `matrix`, its columns moved right by `shift`. */
  addRow(matrix: SparseMatrix, row: number, factor = 1, shift = 0): void {
    for (let k = matrix.starts[row]!; k < matrix.starts[row + 1]!; k++) {
      this.add(matrix.columns[k]! + shift, matrix.values[k]! * factor);
    }
  }

  /** The `limit` largest entries, by column, and empties the sum. */
  take(limit = Number.POSITIVE_INFINITY): [number, number][] {
    const columns = Int32Array.from(this.#touched).sort();
    const ascending = Float64Array.from(columns, (column) => this.#values[column]!).sort();
    const least = columns.length > limit ? ascending[columns.length - limit]! : 0;
    const entries: [number, number][] = [];
    for (const column of columns) {
      const value = this.#values[column]!;
      if (value >= least && entries.length < limit) entries.push([column, value]);
      this.#values[column] = 0;
    }
    this.#touched = [];
    return entries;
  }
}

/** Builds a matrix row by row: `fill` adds up row `i`; its `limit` largest entries are kept, summing to 1 if `normalised`. */
export function buildMatrix(
  rows: number,
  width: number,
  fill: (sum: RowSum, row: number) => void,
  { limit = Number.POSITIVE_INFINITY, normalised = false } = {},
): SparseMatrix {
  const sum = new RowSum(width);
  const starts = new Int32Array(rows + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < rows; row++) {
    fill(sum, row);
    const entries = sum.take(limit);
    const total = normalised ? entries.reduce((all, [, value]) => all + value, 0) : 1;
    for (const [column, value] of entries) {
      columns.push(column);
      values.push(value / total);
    }
    starts[row + 1] = columns.length;
  }
  return { rows, width, starts, columns: Int32Array.from(columns), values: Float32Array.from(values) };
}

/** The transpose. */
export function transpose(matrix: SparseMatrix): SparseMatrix {
  const starts = new Int32Array(matrix.width + 1);
  for (const column of matrix.columns) starts[column + 1]! += 1;
  for (let i = 0; i < matrix.width; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const columns = new Int32Array(matrix.columns.length);
  const values = new Float32Array(matrix.values.length);
  for (let row = 0; row < matrix.rows; row++) {
    for (let k = matrix.starts[row]!; k < matrix.starts[row + 1]!; k++) {
      const place = next[matrix.columns[k]!]!++;
      columns[place] = row;
      values[place] = matrix.values[k]!;
    }
  }
  return { rows: matrix.width, width: matrix.rows, starts, columns, values };
}

/**
 * Positive pointwise mutual information of a co-occurrence matrix, its columns smoothed.
 * A column with fewer than `leastRows` entries links too few words to be worth one.
 * Source: Levy, Goldberg & Dagan, "Improving Distributional Similarity with Lessons Learned from Word Embeddings", TACL 2015.
 */
export function positiveMutualInformation(matrix: SparseMatrix, smoothing: number, leastRows: number): SparseMatrix {
  const rowTotals = new Float64Array(matrix.rows);
  const columnTotals = new Float64Array(matrix.width);
  const entries = new Int32Array(matrix.width);
  for (let row = 0; row < matrix.rows; row++) {
    for (let k = matrix.starts[row]!; k < matrix.starts[row + 1]!; k++) {
      rowTotals[row]! += matrix.values[k]!;
      columnTotals[matrix.columns[k]!]! += matrix.values[k]!;
      entries[matrix.columns[k]!]! += 1;
    }
  }
  const smoothed = columnTotals.map((total) => total ** smoothing);
  const all = smoothed.reduce((sum, value) => sum + value, 0);
  return buildMatrix(matrix.rows, matrix.width, (sum, row) => {
    for (let k = matrix.starts[row]!; k < matrix.starts[row + 1]!; k++) {
      const column = matrix.columns[k]!;
      if (entries[column]! < leastRows) continue;
      const information = Math.log((matrix.values[k]! * all) / (rowTotals[row]! * smoothed[column]!));
      if (information > 0) sum.add(column, information);
    }
  });
}

/** More directions than asked for, and rounds of power iteration: with these the last kept direction is settled. */
const SPARE_DIRECTIONS = 20;
const POWER_ROUNDS = 3;

/**
 * The rows of `matrix` in the space of its `dimensions` largest singular directions, each scaled by the root of its
 * singular value. Deterministic for a seed. Row-major, `matrix.rows` x `dimensions`.
 * Source: Halko, Martinsson & Tropp, "Finding structure with randomness", SIAM Review 2011, algorithm 4.4.
 */
export function singularRows(matrix: SparseMatrix, dimensions: number, seed: number): Float32Array {
  const width = dimensions + SPARE_DIRECTIONS;
  const transposed = transpose(matrix);
  const random = gaussian(seed);
  let basis = multiply(matrix, Float32Array.from({ length: matrix.width * width }, random), width);
  for (let round = 0; round < POWER_ROUNDS; round++) {
    orthonormalise(basis, matrix.rows, width);
    basis = multiply(matrix, multiply(transposed, basis, width), width);
  }
  orthonormalise(basis, matrix.rows, width);
  const image = multiply(transposed, basis, width);
  const { values, vectors } = symmetricEigen(gram(image, matrix.width, width), width);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  const rows = new Float32Array(matrix.rows * dimensions);
  for (let direction = 0; direction < dimensions; direction++) {
    const from = order[direction]!;
    // The eigenvalue of the Gram matrix is the singular value squared.
    const scale = Math.max(values[from]!, 0) ** 0.25;
    for (let row = 0; row < matrix.rows; row++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += basis[row * width + i]! * vectors[i * width + from]!;
      rows[row * dimensions + direction] = sum * scale;
    }
  }
  return rows;
}

/** Normally distributed numbers from a seed (mulberry32 and Box-Muller). */
export function gaussian(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 1) / 4294967297;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function multiply(matrix: SparseMatrix, dense: Float32Array, width: number): Float32Array {
  const product = new Float32Array(matrix.rows * width);
  for (let row = 0; row < matrix.rows; row++) {
    const target = product.subarray(row * width, (row + 1) * width);
    for (let k = matrix.starts[row]!; k < matrix.starts[row + 1]!; k++) {
      const value = matrix.values[k]!;
      const offset = matrix.columns[k]! * width;
      for (let i = 0; i < width; i++) target[i]! += value * dense[offset + i]!;
    }
  }
  return product;
}

/** Makes the columns of `dense` orthonormal, in place (modified Gram-Schmidt, on columns laid out one after the other). */
function orthonormalise(dense: Float32Array, rows: number, width: number): void {
  const columns = Array.from({ length: width }, (_, i) =>
    Float64Array.from({ length: rows }, (_unused, row) => dense[row * width + i]!),
  );
  for (const [i, column] of columns.entries()) {
    for (const earlier of columns.slice(0, i)) {
      const overlap = dot(column, earlier);
      for (let row = 0; row < rows; row++) column[row]! -= overlap * earlier[row]!;
    }
    const length = Math.sqrt(dot(column, column));
    for (let row = 0; row < rows; row++) dense[row * width + i] = column[row]! /= length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function gram(dense: Float32Array, rows: number, width: number): Float64Array {
  const product = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    const offset = row * width;
    for (let i = 0; i < width; i++) {
      const value = dense[offset + i]!;
      if (value !== 0) for (let j = 0; j < width; j++) product[i * width + j]! += value * dense[offset + j]!;
    }
  }
  return product;
}

/** Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by cyclic Jacobi rotations. */
function symmetricEigen(matrix: Float64Array, size: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const rotate = (target: Float64Array, first: number, second: number, stride: number, cos: number, sin: number) => {
    for (let k = 0; k < size; k++) {
      const x = target[first + k * stride]!;
      const y = target[second + k * stride]!;
      target[first + k * stride] = cos * x - sin * y;
      target[second + k * stride] = sin * x + cos * y;
    }
  };
  const SWEEPS = 12;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const off = a[p * size + q]!;
        if (off === 0) continue;
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * off);
        const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cos = 1 / Math.sqrt(tan * tan + 1);
        const sin = tan * cos;
        rotate(a, p, q, size, cos, sin);
        rotate(a, p * size, q * size, 1, cos, sin);
        rotate(vectors, p, q, size, cos, sin);
      }
    }
  }
  return { values: Float64Array.from({ length: size }, (_, i) => a[i * size + i]!), vectors };
}
