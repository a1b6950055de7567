package import Files
import Plain
package import Tensors

/// A `.safetensors` file, mapped: every tensor is used where it lies.
package struct SafetensorsFile: WeightSource {
  /// `safetensors`.
  package let container = "safetensors"

  /// The path by which the file was opened.
  package let path: String

  /// The tensors in the order of their data.
  package let tensors: [TensorInfo]

  /// The file's `__metadata__`.
  package let metadata: [String: String]

  /// The file itself.
  package var files: [SourceFile] { [SourceFile(file)] }
  /// The file's `__metadata__` as it is written, where two keys may differ in how accents are composed.
  package let metadataPairs: [(key: String, value: String)]

  /// Where the tensors' bytes begin.
  package let dataOffset: Int

  /// The number of bytes of the file.
  package var byteCount: Int { file.count }

  private let file: MappedFile
  private let ranges: [String: SafetensorsHeader.Entry]

  /// Checks and opens a mapped file.
  ///
  /// - Throws: `InputError` for the first rule of the format that is broken.
  package init(_ file: MappedFile) throws(InputError) {
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(file)
    } catch let fault {
      throw InputError(.badData, path: file.path, fault.problem, place: fault.place)
    }
    self.file = file
    path = file.path
    tensors = header.entries.map(\.info)
    metadata = header.metadata
    metadataPairs = header.metadataPairs
    dataOffset = header.dataOffset
    ranges = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.info.name, $0) })
  }

  /// Gives one tensor; nothing is copied.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let entry = ranges[name],
      let data = TensorData(
        dtype: entry.info.dtype, shape: entry.info.shape, file: file,
        offset: entry.range.lowerBound)
    else {
      throw .noTensor(name, in: path)
    }
    return data
  }
}

extension SafetensorsFile: TensorPlaces {
  package func place(ofTensor name: String) -> (file: MappedFile, range: Range<Int>)? {
    ranges[name].map { (file, $0.range) }
  }
}
