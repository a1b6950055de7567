package import Files
import Plain
package import SourceGraph
package import Tensors

/// The weights that Keras wrote: any of its HDF5 forms, or a `.keras` archive.
///
/// Tensors are named `<layer>/<variable>`, such as `conv1_conv/kernel`; the tensors of a model
/// within a model begin with the inner model's name. Where the container counts layers instead of
/// naming them, and carries no configuration that names them either, tensors keep the container's
/// own names (`layers/conv2d_3/vars/0`).
package struct KerasSource: WeightSource {
  /// `keras-h5` (a weights file of old), `keras-full-h5` (a whole model), `keras-weights-h5` (Keras
  /// 3), `keras-zip`, or `hdf5` for an HDF5 file that Keras did not write.
  package let container: String

  /// The path by which the file was opened.
  package let path: String

  /// The tensors in the order of the model's layers.
  package let tensors: [TensorInfo]

  /// Among others `keras_version`, `backend`, and `keras.graph`, how large the graph is that the file
  /// carries.
  package let metadata: [String: String]

  /// The graph that a whole model describes, or why it cannot be read.
  package let carriedGraph: Result<SourceGraph, InputError>?
  /// The layers that the file lists.
  package let carriedLayers: LayerList

  /// The file, or the archive that it is a member of.
  package let files: [SourceFile]

  private let file: HDF5File
  private let datasets: [String: HDF5Table.Dataset]

  /// Makes the source of an HDF5 file.
  ///
  /// - Parameters:
  ///   - configuration: the configuration of the `.keras` archive that the file is part of.
  ///   - archiveMetadata: what that archive says of itself.
  ///   - files: the file, or the archive that it is a member of.
  init(
    _ file: HDF5File, configuration: String? = nil, archiveMetadata: JSONValue? = nil,
    in files: [SourceFile]
  ) throws {
    self.files = files
    let version = archiveMetadata?["keras_version"]?.text
    let graph = Self.graph(
      of: file, configuration: configuration, version: version)
    let layout = try KerasLayout(
      file.table, path: file.path, graph: graph.flatMap { try? $0.get() })
    carriedGraph = graph
    carriedLayers = layout.layers
    path = file.path
    container = configuration == nil ? layout.container : "keras-zip"
    var metadata = layout.metadata
    if let graph = try? graph?.get() { metadata["keras.graph"] = "\(graph.nodes.count) layers" }
    if let version { metadata["keras_version"] = version }
    // This tool's own files state the network's options, which are believed only where the graph is that network's.
    metadata["rnw.configuration"] = archiveMetadata?["rnw.configuration"]?.text
    self.metadata = metadata
    var tensors: [TensorInfo] = []
    var datasets: [String: HDF5Table.Dataset] = [:]
    for (name, dataset) in layout.tensors {
      guard let info = dataset.info else {
        throw InputError(
          .badData, path: path, dataset.problem ?? "cannot be read", place: dataset.path)
      }
      guard datasets.updateValue(dataset, forKey: name) == nil else {
        throw InputError(.badData, path: path, "two tensors of one name", place: name)
      }
      tensors.append(TensorInfo(name: name, dtype: info.dtype, shape: info.shape))
    }
    self.tensors = tensors
    self.datasets = datasets
    // Not the optimizer's: nobody will ask for them.
    self.file = try file.decoding(datasets.values)
  }

  fileprivate static func graph(
    of file: HDF5File, configuration: String?, version: String?
  ) -> Result<SourceGraph, InputError>? {
    guard let json = configuration ?? file.table.text("model_config", of: "") else { return nil }
    let version =
      version
      ?? ["", "model_weights"].lazy.compactMap {
        file.table.text("keras_version", of: $0)
      }.first
    do {
      return .success(try SourceGraph(keras: json, version: version, path: file.path))
    } catch {
      return .failure(error)
    }
  }

  /// Reads one tensor; data that lies plainly in the file is mapped, not copied.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let dataset = datasets[name] else {
      throw .noTensor(name, in: path)
    }
    return try file.tensor(dataset)
  }
}

extension KerasSource: GraphCarrier {}

extension KerasSource: TensorPlaces {
  package func place(ofTensor name: String) -> (file: MappedFile, range: Range<Int>)? {
    datasets[name].flatMap(file.place)
  }
}
