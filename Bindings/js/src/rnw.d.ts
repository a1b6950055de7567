// The types of rnw.js, which reads .rnw files.

/** A file that cannot be what it claims: one line with the file, the place, and what was expected there. */
export class RNWError extends Error {}

/**
 * Opens a `Blob` or `File`, the bytes of a file, or a URL. The header is checked now, a tensor when it is read.
 *
 * Of a URL only what is needed is fetched, where the server answers requests for ranges: the first 64 KiB, and then the
 * bytes of each tensor that is asked for.
 *
 * @throws RNWError for a file that cannot be what it claims; what `fetch` throws, and an Error for a status of HTTP.
 */
export function load(from: Blob | BufferSource | URL | string): Promise<WeightFile>;

/** An open file: what it says, and its tensors when they are asked for. */
export class WeightFile {
  private constructor();

  /** The name of a `File`, or the URL. */
  readonly name: string;

  /** How many bytes the file has. */
  readonly size: number;

  /** All keys of `__metadata__`, as texts. */
  readonly metadata: Record<string, string>;

  /** The network: blocks, stages, stem, shortcuts, norm and head. */
  readonly configuration: Document;

  readonly preprocessing: Document;

  /** Where the weights came from. */
  readonly source: Document;

  /** What was compared when the file was converted; undefined for a file that was made. */
  readonly certificate?: Document;

  /** What is known of each tensor before it is read. Scales are part of the tensor that names them, and not listed. */
  readonly tensors: ReadonlyMap<string, TensorRecord>;

  /**
   * The values of a tensor, compared with every checksum: float16, bfloat16, and int8 multiplied by its scales, as float32.
   *
   * @throws RNWError for one that is damaged, or not there.
   */
  tensor(name: string): Promise<Tensor>;

  /** The elements as they are stored: of float16 and bfloat16 the bits, int8 without its scales. */
  bits(name: string): Promise<Elements>;

  /** The float32 by which the int8 elements of every index of the first dimension are multiplied; undefined without. */
  scales(name: string): Promise<Float32Array | undefined>;
}

/** A JSON object. Whole numbers that a `number` does not hold exactly, such as a seed of 64 bits, are `bigint`. */
export interface Document {
  readonly [key: string]: Value;
}

export type Value = string | number | bigint | boolean | Document | readonly Value[];

export type DType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U64" | "U32" | "U16" | "U8";

export type Elements =
  | Float64Array | Float32Array | BigInt64Array | Int32Array | Int16Array | Int8Array
  | BigUint64Array | Uint32Array | Uint16Array | Uint8Array;

export interface TensorRecord {
  readonly name: string;
  readonly dtype: DType;
  /** Outermost first; kernels are OIHW, matrices [out, in]. A size beyond 2^53, beside which another is 0, is rounded. */
  readonly shape: readonly number[];
  /** How many elements there are. */
  readonly count: number;
  /** The size of the elements, in bytes. */
  readonly bytes: number;
  readonly encoding: "raw" | "planes";
  /** Where its bytes are in the file. */
  readonly begin: number;
  readonly end: number;
  readonly crc32: number;
  /** The tensor that has the same elements, where they are stored once. */
  readonly sameAs?: string;
  /** The tensor of the scales of integers. */
  readonly scales?: string;
}

export interface Tensor {
  readonly name: string;
  /** The type in the file. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The values, row-major. */
  readonly data: Elements;
}
