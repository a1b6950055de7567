package import Files
package import Tensors

/// The arrays of a pickle of plain dictionaries, as `pickle.dump(params, file)` writes it.
///
/// Nothing of it is executed: see ``PickleMachine``. Several pickles one after the other are read like a tuple of them.
package struct PickleSource: WeightSource {
  /// `pickle`.
  package let container = "pickle"

  /// The path by which the file was opened.
  package var path: String { file.path }

  /// The arrays in the order of the file, by names as in a `.npz`: see ``PickledNames``.
  package let tensors: [TensorInfo]

  /// `ignored.entries`: how many single numbers are no weights; `ignored.objects`: the classes of objects, and the types
  /// of arrays, that were passed over.
  package let metadata: [String: String]

  /// The file itself.
  package var files: [SourceFile] { [SourceFile(file)] }

  private let file: MappedFile
  private let arrays: [String: (elements: NumPyElements, bytes: PickledBytes)]

  /// How many times the size of its file all arrays together may have: the same one may stand in several places.
  private static let maximumSharing = 16

  /// Reads what a file holds.
  ///
  /// - Throws: `InputError` where it is no pickle of arrays.
  init(_ file: MappedFile) throws(InputError) {
    let pickles = try Pickles(file)
    guard let names = PickledNames(pickles.root) else {
      throw InputError(.badData, path: file.path, "holds more arrays than any network has")
    }
    guard !names.arrays.isEmpty else { throw pickles.refusal(of: file) }
    guard pickles.end == file.count else {
      throw InputError(
        .badData, path: file.path, "has bytes after its pickle", place: "byte \(pickles.end)")
    }
    if let name = names.stranger {
      throw InputError(
        .badData, path: file.path, "has an entry among a layer's arrays that is no array",
        place: name)
    }
    var tensors: [TensorInfo] = []
    var arrays: [String: (elements: NumPyElements, bytes: PickledBytes)] = [:]
    var places: [String: String] = [:]
    var total = 0
    for entry in names.arrays {
      guard let content = entry.array.content else { continue }
      let elements = try Self.elements(of: content, name: entry.name, in: file)
      if let other = places.updateValue(entry.place, forKey: entry.name) {
        throw InputError(
          .badData, path: file.path, "has two arrays of one name",
          place: "\(entry.name), under '\(other)' and '\(entry.place)'",
          hint: "keep what is meant alone: pickle.dump((params, state), file)")
      }
      let (sum, overflow) = total.addingReportingOverflow(
        elements.shape.elementCount * elements.dtype.byteWidth)
      guard !overflow, sum <= file.count * Self.maximumSharing else {
        throw InputError(
          .badData, path: file.path, "declares many times more data than it holds",
          place: entry.name)
      }
      total = sum
      arrays[entry.name] = (elements, content.bytes)
      tensors.append(TensorInfo(name: entry.name, dtype: elements.dtype, shape: elements.shape))
    }
    self.file = file
    self.tensors = tensors
    self.arrays = arrays
    metadata = pickles.metadata(ignored: names.ignored)
  }

  /// Checks that an array's bytes are those of its shape.
  private static func elements(
    of content: PickledArray.Content, name: String, in file: MappedFile
  ) throws(InputError) -> NumPyElements {
    let type = content.type
    guard let isBigEndian = type.isBigEndian else {
      throw InputError(
        .badData, path: file.path, "has an array of an unknown byte order", place: name)
    }
    guard let shape = Shape(validating: content.sizes),
      let expected = TensorInfo(name: name, dtype: type.dtype, shape: shape).byteCount
    else {
      throw InputError(
        .badData, path: file.path, "has an array of an impossible shape", place: name)
    }
    guard let count = content.bytes.count(in: file) else {
      throw InputError(
        .badData, path: file.path, "has an array whose bytes are text of another kind",
        place: "\(name); Latin-1 was expected")
    }
    guard count == expected else {
      throw InputError(
        .badData, path: file.path, "has an array whose shape \(shape) does not fit its size",
        place: "\(name); \(expected) bytes were expected, \(count) are there")
    }
    let isFortranOrder: Bool
    switch content.order {
    case .rows: isFortranOrder = false
    case .columns: isFortranOrder = true
    case .transposed(let axes):
      guard
        let elements = NumPyElements(
          dtype: type.dtype, before: shape, axes: axes, isBigEndian: isBigEndian)
      else {
        throw InputError(
          .badData, path: file.path, "has an array of axes in an impossible order", place: name)
      }
      return elements
    }
    return NumPyElements(
      dtype: type.dtype, shape: shape, isBigEndian: isBigEndian, isFortranOrder: isFortranOrder)
  }

  /// Reads one array: mapped where it lies in order in the file.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let (elements, bytes) = arrays[name] else { throw .noTensor(name, in: path) }
    if case .place(let range) = bytes, elements.areInOrder,
      let mapped = TensorData(
        dtype: elements.dtype, shape: elements.shape, file: file, offset: range.lowerBound)
    {
      return mapped
    }
    guard let copy = bytes.read(from: file) else {
      throw InputError(.badData, path: path, "has an array outside the file", place: name)
    }
    return elements.tensor(from: copy)
  }
}

extension PickleSource: TensorPlaces {
  package func place(ofTensor name: String) -> (file: MappedFile, range: Range<Int>)? {
    switch arrays[name]?.bytes {
    case .place(let range), .latin1(let range): (file, range)
    case .few, nil: nil
    }
  }
}

/// The pickles of a file, one after the other.
private struct Pickles {
  /// What they hold.
  let root: PickleValue

  /// Where the last one ends.
  let end: Int

  private let passedOver: [String]

  /// The most pickles of a file; people dump parameters and state each by itself.
  private static let maximumCount = 64

  init(_ file: MappedFile) throws(InputError) {
    var values: [PickleValue] = []
    var passedOver: [String] = []
    var offset = 0
    repeat {
      var machine = PickleMachine(PickleBytes(file), names: .arrays, at: offset)
      do {
        values.append(try machine.value())
      } catch {
        throw InputError(
          .badData, path: file.path, "has a pickle that \(error.problem)",
          place: "byte \(error.offset)")
      }
      for name in machine.passedOver where !passedOver.contains(name) { passedOver.append(name) }
      offset = machine.offset
    } while values.count < Self.maximumCount && OtherContainer.isPickle(file, at: offset)
    end = offset
    root = values.count == 1 ? values[0] : .tuple(PickleContainer(values))
    self.passedOver = passedOver
  }

  func metadata(ignored: Int) -> [String: String] {
    var metadata: [String: String] = [:]
    if ignored > 0 { metadata["ignored.entries"] = String(ignored) }
    if !passedOver.isEmpty {
      let more = passedOver.count > 8 ? ", and \(passedOver.count - 8) more" : ""
      metadata["ignored.objects"] = passedOver.prefix(8).joined(separator: ", ") + more
    }
    return metadata
  }

  /// Why a pickle without arrays is not read.
  func refusal(of file: MappedFile) -> InputError {
    let mapping = passedOver.first { ArrayGlobals.isMapping($0) }
    let hint =
      mapping == nil
      ? "weights are read from torch.save(model.state_dict(), 'weights.pth'), numpy.savez, or a pickle of "
        + "dictionaries of NumPy's arrays"
      : "in Python: pickle.dump(jax.tree_util.tree_map(numpy.asarray, {m: dict(p) for m, p in params.items()}), file)"
    return InputError(
      .badData, path: file.path, "is a pickle that PyTorch did not write, and holds no arrays",
      place: (mapping ?? passedOver.first).map { "it makes \($0)" }, hint: hint,
      reason: .unknownContainer)
  }
}
