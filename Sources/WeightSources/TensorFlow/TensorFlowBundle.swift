package import Files
package import SourceGraph
package import Tensors

/// The tensors of a TensorFlow checkpoint: an index (`.index`) and its data in one or several files (`.data-00000-of-…`).
///
/// Checkpoints by name (`tf.compat.v1.train.Saver`) have the variables' names. Those by object (`tf.train.Checkpoint`, a
/// SavedModel, `save_weights` of Keras 2) list the objects beside the tensors: where these tell the full names of the
/// variables, tensors have those. What belongs to an optimizer is passed over. A SavedModel that TF-Keras has written also tells
/// its configuration: then it is a whole model, whose tensors are named by its layers, as in Keras' own files.
package struct TensorFlowBundle: WeightSource {
  /// `tf-checkpoint`.
  package let container = "tf-checkpoint"

  /// The path by which the source was opened.
  package let path: String

  /// The tensors in the order of the index.
  package let tensors: [TensorInfo]

  /// `tf.index`: the file that the index was read from; `ignored.entries`: how many entries are no weights.
  package let metadata: [String: String]

  /// The graph of a whole model of TF-Keras, or why it cannot be read; `nil` for weights alone.
  package let carriedGraph: Result<SourceGraph, InputError>?

  /// The index, then the files of the data, and what TF-Keras writes of the model.
  package let files: [SourceFile]

  private let entries: [String: BundleEntry]
  private let shards: [Int: MappedFile]

  /// Opens the checkpoint of an index.
  ///
  /// - Parameters:
  ///   - index: the index, whose name ends in `.index`.
  ///   - path: the path that the user gave.
  init(index: MappedFile, path: String, copying: Bool) throws {
    self.path = path
    let listing = try BundleListing(index)
    guard index.path.hasSuffix(".index") else {
      throw InputError(
        .badData, path: path, "is the index of a TensorFlow checkpoint under another name",
        place: "a name that ends in .index was expected, with the .data files beside it")
    }
    let prefix = String(index.path.dropLast(".index".count))
    var shards: [Int: MappedFile] = [:]
    for shard in Set(listing.entries.map(\.shard)).sorted() {
      shards[shard] = try MappedFile(
        path: prefix + Self.ending(of: shard, count: listing.shardCount), copying: copying)
    }
    self.shards = shards
    let total = shards.values.reduce(0) { $0 + $1.count }
    var used = 0
    for entry in listing.entries {
      guard let shard = shards[entry.shard], entry.count <= shard.count,
        entry.offset <= shard.count - entry.count
      else {
        throw InputError(
          .badData, path: shards[entry.shard]?.path ?? path,
          "is cut off: a tensor ends beyond its end", place: entry.key)
      }
      // TensorFlow stores no byte for two tensors.
      used += entry.count
      guard used <= total else {
        throw InputError(
          .badData, path: path, "declares more data than its files hold", place: entry.key)
      }
    }
    let model = try TensorFlowPlace.kerasMetadata(of: index.path)
      .flatMap { try SavedModelMetadata(MappedFile(path: $0, copying: copying)) }
    carriedGraph = model.map { model in
      Result { () throws(InputError) in
        try SourceGraph(keras: model.configuration, version: model.version, path: path)
      }
    }
    let names = try BundleNames(
      listing.entries, graph: Self.objectGraph(listing, shards), layers: model?.layers ?? [])
    var found: [String: BundleEntry] = [:]
    var tensors: [TensorInfo] = []
    for (name, entry) in names.tensors {
      guard let dtype = entry.dtype else { continue }
      guard found.updateValue(entry, forKey: name) == nil else {
        throw InputError(.badData, path: path, "has two tensors of one name", place: name)
      }
      tensors.append(TensorInfo(name: name, dtype: dtype, shape: entry.shape))
    }
    self.tensors = tensors
    entries = found
    files =
      [SourceFile(index)] + shards.sorted { $0.key < $1.key }.map { SourceFile($0.value) }
      + (model.map { [SourceFile($0.file)] } ?? [])
    var metadata = ["tf.index": index.path.lastName]
    metadata["keras_version"] = model?.version
    if let graph = try? carriedGraph?.get() {
      metadata["keras.graph"] = "\(graph.nodes.count) layers"
    }
    let ignored = listing.entries.count - tensors.count
    if ignored > 0 { metadata["ignored.entries"] = "\(ignored)" }
    self.metadata = metadata
  }

  /// Reads one tensor, whose checksum is verified.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let entry = entries[name], let dtype = entry.dtype, let file = shards[entry.shard],
      let data = TensorData(dtype: dtype, shape: entry.shape, file: file, offset: entry.offset)
    else {
      throw .noTensor(name, in: path)
    }
    guard CRC32C.masked(data.withUnsafeBytes(CRC32C.checksum)) == entry.checksum else {
      throw InputError(
        .badData, path: file.path, "has a tensor whose checksum differs from what was written",
        place: name, reason: .damaged)
    }
    return data
  }

  /// What the name of a file of data ends with.
  static func ending(of shard: Int, count: Int) -> String {
    func digits(_ number: Int) -> String {
      String(repeating: "0", count: max(5 - "\(number)".count, 0)) + "\(number)"
    }
    return ".data-\(digits(shard))-of-\(digits(count))"
  }

  /// The description of the objects, where there is one.
  private static func objectGraph(
    _ listing: BundleListing, _ shards: [Int: MappedFile]
  ) -> ArraySlice<UInt8>? {
    guard let entry = listing.entries.first(where: { $0.key == BundleNames.graphKey }),
      entry.type == TensorFlowTypes.text,
      let bytes = shards[entry.shard]?.bytes(at: entry.offset, count: entry.count)
    else { return nil }
    // One text: its length, four bytes of the length's checksum, the text.
    var reader = ProtocolBuffer(bytes[...])
    guard let count = reader.readCount(), reader.read(count: 4) != nil else { return nil }
    return reader.read(count: count)
  }
}

extension TensorFlowBundle: GraphCarrier {}
