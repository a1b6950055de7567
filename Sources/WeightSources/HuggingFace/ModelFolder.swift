package import Files
import FoundationEssentials
package import Plain
import SourceGraph
package import Tensors

/// A folder as Hugging Face's libraries save it: `config.json`, and the weights in one file or in several with an index.
///
/// Of weights in both forms those of `.safetensors` are taken, as the libraries do.
package struct ModelFolder: DescriptionCarrier {
  /// `hugging-face`.
  package let container = "hugging-face"

  /// The path by which the folder was opened.
  package let path: String

  /// The tensors of all files, file after file.
  package let tensors: [TensorInfo]

  /// `folder.weights`: the file of weights, or the index of several; and what these say of themselves.
  package let metadata: [String: String]

  /// What `config.json` says.
  package let carriedDescription: JSONValue

  /// The configuration, the index, and the files of weights.
  package let files: [SourceFile]

  private let parts: [any WeightSource]
  /// Which part holds a tensor.
  private let owners: [String: Int]

  /// The names of weights, in the order in which they are looked for.
  private static let names = [
    "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json",
    "pytorch_model.bin",
  ]
  private static let indexEnding = ".index.json"

  /// Where a folder of this kind begins that a path means: the folder itself, or the index in it.
  ///
  /// - Returns: the folder, and the name of its weights; `nil` where the path means none.
  static func place(of path: String) -> (folder: String, weights: String)? {
    func exists(_ path: String) -> Bool {
      FileStamp(path: path) != nil && !FileStamp.isFolder(path)
    }
    guard FileStamp.isFolder(path) else {
      guard path.hasSuffix(indexEnding), exists(path) else { return nil }
      let (folder, name) = path.folderAndName
      return (folder, name)
    }
    let folder = path.hasSuffix("/") ? path : path + "/"
    guard exists(folder + "config.json"),
      let weights = names.first(where: { exists(folder + $0) })
    else { return nil }
    return (folder, weights)
  }

  /// Opens the weights of a folder.
  ///
  /// - Parameter openPart: opens one file of weights.
  init(
    _ place: (folder: String, weights: String), path: String, copying: Bool,
    openPart: (MappedFile) throws -> any WeightSource
  ) throws {
    self.path = path
    var files: [SourceFile] = []
    func json(_ name: String) throws -> JSONValue {
      let file = try MappedFile(path: place.folder + name, copying: copying)
      files.append(SourceFile(file))
      return try Self.json(file)
    }
    let hasConfiguration = FileStamp(path: place.folder + "config.json") != nil
    carriedDescription = hasConfiguration ? try json("config.json") : .object([:])
    var map: [String: String]?
    var names = [place.weights]
    if place.weights.hasSuffix(Self.indexEnding) {
      let found = try Self.weightMap(try json(place.weights), path: place.folder + place.weights)
      names = Set(found.values).sorted()
      map = found
    }
    var tensors: [TensorInfo] = []
    var owners: [String: Int] = [:]
    var metadata = ["folder.weights": place.weights]
    var parts: [any WeightSource] = []
    for (number, name) in names.enumerated() {
      let part = try openPart(try MappedFile(path: place.folder + name, copying: copying))
      for tensor in part.tensors {
        guard map == nil || map?[tensor.name] == name else {
          throw InputError(
            .badData, path: place.folder + place.weights, "does not list a tensor of its parts",
            place: "\(name): \(tensor.name)")
        }
        guard owners.updateValue(number, forKey: tensor.name) == nil else {
          throw InputError(.badData, path: path, "has two tensors of one name", place: tensor.name)
        }
        tensors.append(tensor)
      }
      metadata.merge(part.metadata) { first, _ in first }
      files += part.files
      parts.append(part)
    }
    if let missing = map?.keys.filter({ owners[$0] == nil }).min() {
      throw InputError(
        .badData, path: place.folder + place.weights, "lists a tensor that is not there",
        place: missing)
    }
    self.tensors = tensors
    self.metadata = metadata
    self.files = files
    self.parts = parts
    self.owners = owners
  }

  /// Reads one tensor from the part that holds it.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let owner = owners[name] else {
      throw .noTensor(name, in: path)
    }
    return try parts[owner].tensor(named: name)
  }

  // MARK: - JSON

  /// More than any index of names needs: BiT's largest has 459.
  private static let longestJSON = 64 << 20

  private static func json(_ file: MappedFile) throws -> JSONValue {
    guard file.count <= longestJSON, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: file.path, "is no configuration: it is too long")
    }
    do {
      // Python writes an infinity as it reads one.
      return try JSONValue(json: bytes, allowsNonFinite: true)
    } catch let fault {
      throw InputError(.badData, path: file.path, fault.problem, place: fault.place)
    }
  }

  /// The file of each tensor, as the index has it: plain names of files beside it.
  private static func weightMap(_ index: JSONValue, path: String) throws -> [String: String] {
    guard case .object(let entries)? = index["weight_map"], !entries.isEmpty else {
      throw InputError(
        .badData, path: path, "is no index of weights", place: "weight_map: an object was expected")
    }
    var map: [String: String] = [:]
    for (tensor, value) in entries {
      guard let name = value.text, name.isFileName else {
        throw InputError(
          .badData, path: path, "names a file that is not beside it", place: tensor)
      }
      map[tensor] = name
    }
    return map
  }
}
