import Files
import Plain
import SourceGraph

/// What TF-Keras writes of a model beside its SavedModel, in `keras_metadata.pb`: its configuration, and which object is which
/// layer.
///
/// The message is `SavedMetadata` of TF-Keras' `saved_metadata.proto`.
struct SavedModelMetadata {
  /// The file.
  let file: MappedFile
  /// The configuration of the model, as JSON.
  let configuration: String
  /// The version of Keras that wrote it.
  let version: String?
  /// The layers: the names that lead to each object from the model, and those of the models that it is within and its own.
  let layers: [(path: [String], names: [String])]

  /// The name of the file.
  static let fileName = "keras_metadata.pb"

  /// The most bytes that it may have; a layer takes about 3 KB.
  private static let maximumBytes = 1 << 26

  /// Reads the metadata; `nil` for a model that has no configuration, such as one that is a class of somebody's own.
  ///
  /// - Throws: `InputError` where the file is damaged.
  init?(_ file: MappedFile) throws(InputError) {
    self.file = file
    func damaged(_ place: String) -> InputError {
      InputError(.badData, path: file.path, "is damaged", place: place)
    }
    guard file.count <= Self.maximumBytes, let bytes = file.bytes(at: 0, count: file.count),
      let fields = ProtocolBuffer.fields(bytes[...])
    else { throw damaged("a list of objects was expected") }
    var objects: [(path: [String], metadata: ArraySlice<UInt8>)] = []
    for (field, object) in fields where field == 1 {
      guard let parts = object.slice.flatMap(ProtocolBuffer.fields),
        let path = parts.last(where: { $0.field == 3 })?.value.text,
        let metadata = parts.last(where: { $0.field == 5 })?.value.slice
      else { throw damaged("object \(objects.count)") }
      objects.append((path.split(separator: ".").map(String.init), metadata))
    }
    do {
      guard let root = objects.first(where: { $0.path == ["root"] }),
        let model = try Self.model(root.metadata)
      else { return nil }
      (configuration, version) = (model.configuration, model.version)
      layers = try Self.layers(objects)
    } catch let fault as FormatFault {
      throw InputError(.badData, path: file.path, fault.problem, place: fault.place)
    } catch {
      throw damaged("\(error)")
    }
  }

  private static func model(
    _ metadata: ArraySlice<UInt8>
  ) throws -> (configuration: String, version: String?)? {
    let document = try JSONValue(
      json: metadata, subject: "the metadata of its model", allowsNonFinite: true)
    guard let name = document["class_name"]?.text,
      SourceGraph.kerasModelClasses.contains(name),
      let settings = document["config"], settings["layers"] != nil
    else { return nil }
    let model = JSONValue.object(["class_name": .text(name), "config": withLists(settings)])
    return (model.json, document["keras_version"]?.text)
  }

  /// Tuples, which the file tells from lists, as the lists that they are everywhere else.
  private static func withLists(_ value: JSONValue) -> JSONValue {
    switch value {
    case .list(let elements): return .list(elements.map(withLists))
    case .object(let entries):
      if let items = entries["items"]?.elements, entries.count == 2,
        ["__tuple__", "TensorShape"].contains(entries["class_name"]?.text)
      {
        return .list(items.map(withLists))
      }
      return .object(entries.mapValues(withLists))
    default: return value
    }
  }

  private static func layers(
    _ objects: [(path: [String], metadata: ArraySlice<UInt8>)]
  ) throws -> [(path: [String], names: [String])] {
    var names: [[String]: String] = [:]
    for (path, metadata) in objects {
      // Of most of it nothing but the name is needed.
      let document = try JSONValue(
        json: metadata, subject: "the metadata of \(path.joined(separator: "."))",
        allowsNonFinite: true, passingOver: ["config", "model_config", "training_config"])
      names[path] = document["name"]?.text
    }
    return objects.compactMap { path, _ in
      guard path.count > 1 else { return nil }
      let chain = (2...path.count).compactMap { names[Array(path.prefix($0))] }
      return chain.count == path.count - 1 ? (Array(path.dropFirst()), chain) : nil
    }
  }
}
