import CRNW
import RNW
import Synchronization
import Tensors

/// What an `rnw_file` of C points to: an open file, and everything about it in the form of C.
///
/// It never changes after it is made, so any number of threads may use it at the same time.
final class OpenFile {
  /// The file.
  let file: RNWFile

  /// The descriptions of the tensors, sorted by name.
  let tensors: [rnw_tensor]

  private let indices: [String: Int]
  private let metadata: [String: CText]
  private let names: [CText]
  private let shapes: [CSizes]

  /// Opens a file.
  ///
  /// - Throws: `InputError` as `RNWFile` does.
  init(path: String) throws {
    let file = try RNWFile(path: path)
    let names = file.tensors.map { CText($0.name) }
    let shapes = file.tensors.map { CSizes($0.shape.dimensions) }
    self.file = file
    self.names = names
    self.shapes = shapes
    metadata = file.metadata.mapValues(CText.init)
    indices = Dictionary(
      uniqueKeysWithValues: file.tensors.enumerated().map { ($0.element.name, $0.offset) })
    tensors = file.tensors.enumerated().map { index, info in
      rnw_tensor(
        name: names[index].start, shape: shapes[index].start, rank: info.shape.rank,
        count: info.shape.elementCount, bytes: info.byteCount ?? 0,
        scales: file.hasScales(tensorNamed: info.name) ? info.shape[0] : 0,
        dtype: rnw_dtype(info.dtype),
        is_mapped: file.isMapped(tensorNamed: info.name) ? 1 : 0)
    }
  }

  /// What the file keeps of the values of its layers, read when it is first asked for.
  ///
  /// - Throws: `InputError` where the certificate certifies nothing; `Failure` where there is nothing kept.
  func layers() throws -> KeptLayers {
    try kept.withLock { kept in
      if let kept { return kept }
      guard let fingerprints = try file.fingerprints() else {
        throw Failure(
          RNW_NO_CERTIFICATE,
          "\(file.path): has no fingerprints: it was made, or converted before there were any")
      }
      let made = KeptLayers(fingerprints)
      kept = made
      return made
    }
  }

  private let kept = Mutex<KeptLayers?>(nil)

  /// The index of a tensor.
  func index(of name: String) -> Int? { indices[name] }

  /// The text of a key of the metadata; valid as long as this object.
  func metadata(_ key: String) -> UnsafePointer<CChar>? { metadata[key]?.start }
}

/// The fingerprints of a file, with names that have an address.
final class KeptLayers: Sendable {
  let fingerprints: Fingerprints
  let names: [CText]

  init(_ fingerprints: Fingerprints) {
    self.fingerprints = fingerprints
    names = fingerprints.layers.map { CText($0.name) }
  }
}

/// A text of C that lives as long as this object.
final class CText: Sendable {
  nonisolated(unsafe) let start: UnsafePointer<CChar>

  init(_ text: String) {
    let characters = text.utf8CString
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: characters.count)
    _ = copy.initialize(from: characters)
    // A Swift text holds at least its NUL, so there is a first character.
    start = UnsafePointer(copy.baseAddress.unsafelyUnwrapped)
  }

  deinit {
    start.deallocate()
  }
}

/// Sizes in memory that lives as long as this object.
private final class CSizes: Sendable {
  nonisolated(unsafe) let start: UnsafePointer<Int>

  init(_ sizes: [Int]) {
    // One more, so that a scalar has an address as well.
    let copy = UnsafeMutablePointer<Int>.allocate(capacity: sizes.count + 1)
    copy.initialize(repeating: 0, count: sizes.count + 1)
    for (index, size) in sizes.enumerated() { copy[index] = size }
    start = UnsafePointer(copy)
  }

  deinit {
    start.deallocate()
  }
}

extension rnw_dtype {
  /// The same type in C.
  fileprivate init(_ dtype: DType) {
    self =
      switch dtype {
      case .float64: RNW_FLOAT64
      case .float32: RNW_FLOAT32
      case .float16: RNW_FLOAT16
      case .bfloat16: RNW_BFLOAT16
      case .int64: RNW_INT64
      case .int32: RNW_INT32
      case .int16: RNW_INT16
      case .int8: RNW_INT8
      case .uint64: RNW_UINT64
      case .uint32: RNW_UINT32
      case .uint16: RNW_UINT16
      case .uint8: RNW_UINT8
      case .bool: RNW_BOOL
      }
  }
}
