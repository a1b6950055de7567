package import Files
package import Tensors

/// A folder of parameters and state, each in a file of its own, as those who use `haiku.transform_with_state` keep what
/// it gives: `params.pkl` and `state.pkl`, or the same as `.npz`.
///
/// The folder is the source, and neither file alone: what belongs together is told by the one who gives it.
package struct StateFolder: WeightSource {
  /// `params-and-state`.
  package let container = "params-and-state"

  /// The path by which the folder was opened.
  package let path: String

  /// The tensors of the parameters, then those of the state.
  package let tensors: [TensorInfo]

  /// What the two files say of themselves.
  package let metadata: [String: String]

  /// The parameters, then the state, whatever the order of their names.
  package let files: [SourceFile]

  private let parts: [any WeightSource]
  /// Which part holds a tensor.
  private let owners: [String: Int]

  /// What the two files are called, without their endings.
  private static let stems = ["params", "state"]
  /// The kinds of files in which these are kept.
  private static let endings = [Container.pickle, .npz].flatMap(\.endings)

  /// Where the two files are that a path means: candidates for each; `nil` where the path means no such folder.
  static func places(of path: String) -> [[String]]? {
    guard FileStamp.isFolder(path) else { return nil }
    let folder = path.hasSuffix("/") ? path : path + "/"
    let places = stems.map { stem in
      endings.map { "\(folder)\(stem).\($0)" }.filter {
        FileStamp(path: $0) != nil && !FileStamp.isFolder($0)
      }
    }
    return places.contains(where: \.isEmpty) ? nil : places
  }

  /// Opens the two files of a folder.
  ///
  /// - Parameter openPart: opens one of them.
  /// - Throws: `InputError` where a file is there in two forms, or breaks a rule of its kind, or both have a tensor of one
  ///   name.
  init(
    _ places: [[String]], path: String, copying: Bool,
    openPart: (MappedFile) throws -> any WeightSource
  ) throws {
    if let several = places.first(where: { $0.count > 1 }) {
      throw InputError(
        .badData, path: path, "is a folder of several files of one meaning",
        place: several.map(\.lastName).joined(separator: ", "), hint: "keep one of them in it")
    }
    var tensors: [TensorInfo] = []
    var owners: [String: Int] = [:]
    var metadata: [String: String] = [:]
    var parts: [any WeightSource] = []
    for place in places.joined() {
      let part = try openPart(try MappedFile(path: place, copying: copying))
      for tensor in part.tensors {
        if let other = owners.updateValue(parts.count, forKey: tensor.name) {
          throw InputError(
            .badData, path: path, "has two tensors of one name",
            place: "\(tensor.name), in \(parts[other].path.lastName) and \(place.lastName)",
            hint: "a file that holds both is given alone")
        }
        tensors.append(tensor)
      }
      metadata.merge(part.metadata) { $0 == $1 ? $0 : "\($0); \($1)" }
      parts.append(part)
    }
    self.path = path
    self.tensors = tensors
    self.metadata = metadata
    self.parts = parts
    self.owners = owners
    files = parts.flatMap(\.files)
  }

  /// Reads one tensor from the file that holds it.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let owner = owners[name] else { throw .noTensor(name, in: path) }
    return try parts[owner].tensor(named: name)
  }
}
