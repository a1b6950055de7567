import Conversion
import Families
public import Files
public import Inference
public import RNW
public import ResNetV2
public import Tensors
import WeightSources

/// A network with its weights, ready to run.
///
/// ```swift
/// let network = try Network(contentsOf: "resnet50v2.rnw")
/// let image = try network.input(contentsOf: "cat.jpg")  // resized and scaled as the file says
/// let output = try network.run(image)                   // [1, 1000]
/// print(output.largest(5)[0])                           // the five best classes of the image
/// ```
///
/// Values are float32, images [N, H, W, C], features [N, C]. The results are the same bits for every number of threads.
/// A network never changes after it was made; several tasks may use one at the same time.
public struct Network: Sendable {
  /// What the file holds.
  let model: Model

  private let executor: FastExecutor

  /// The threads that compute.
  var pool: WorkerPool { executor.pool }

  /// The file that the network was read from.
  public var path: String { model.source.path }

  /// What the network is called, such as `resnet50_v2`.
  public let name: String

  /// The family that the weights come from, such as `keras-v2`.
  public var family: String { model.family.id }

  /// The network's layers, in the order of computation.
  public var graph: Graph { model.graph }

  /// The shape of one image that the network is usually run on, [1, H, W, C]; others may fit as well.
  public let inputShape: Shape

  /// What the file does not tell of the network and its family supplied, in words; empty for a file that tells all.
  ///
  /// A comparison with the framework's own activations shows whether these hold.
  public let assumptions: [String]

  /// Reads a network: a `.rnw`, or the weights of any family in any container that is read.
  ///
  /// The content decides what the file is, never its name. All tensors are read and compared with their checksums.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - pool: the threads that compute: a thread for each processor, shared by all networks, where none is given.
  /// - Throws: `InputError`, whose `reason` is `.missing`, `.unknownContainer`, `.unsupportedVersion`, `.damaged`,
  ///   `.malformed`, `.unknownNetwork` where the weights are of no known network or of several, `.otherNetwork`
  ///   where tensors are missing or left over, and so on.
  public init(contentsOf path: String, pool: WorkerPool = .shared) throws(InputError) {
    let model = try InputError.only(of: path) {
      try Model(try WeightFile.open(path, dictionary: nil, isOptional: false, copying: false))
    }
    let parameters = try InputError.only(of: path) {
      try model.parameters(threads: pool.threadCount)
    }
    try model.source.checkUnchanged()
    self.model = model
    name = model.architectureName
    inputShape = model.usualInput
    assumptions = model.assumptions.map(\.words)
    executor = FastExecutor(
      graph: model.graph, parameters: parameters, pool: pool, expecting: model.usualInput)
  }

  // MARK: - Running

  /// The shape of what ``run(_:)`` gives for a shape of input: [N, classes], or what the head leaves of a feature map.
  ///
  /// - Throws: `InputShapeError` where the network does not take such an input.
  public func outputShape(for input: Shape) throws(InputShapeError) -> Shape {
    try graph.shapes(for: input)[graph.outputIndex]
  }

  /// Runs the network on a batch of images.
  ///
  /// What the network itself does with numbers that are not finite is what comes out.
  ///
  /// - Parameter input: preprocessed images, [N, H, W, C] float32; see ``input(contentsOf:)``.
  /// - Returns: the value of the last layer, for every image.
  /// - Throws: `InputShapeError` where the network does not take such images, or there is no memory for them.
  public func run(_ input: Activation) throws(InputShapeError) -> Activation {
    do {
      return try run(input, observer: nil)
    } catch let error as InputShapeError {
      throw error
    } catch {
      // Nothing else is thrown where nobody observes.
      throw InputShapeError(tooLarge: input.shape, at: graph.nodes[0].name, channels: inputShape[3])
    }
  }

  /// Runs the network and hands out the value of every layer.
  ///
  /// ```swift
  /// try network.run(image) { layer, value in
  ///   print(layer.name, layer.familyName ?? "-", value.shape)
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - input: preprocessed images, [N, H, W, C] float32.
  ///   - observer: gets each layer and its value, in the order of the graph, as soon as it is there; what it throws
  ///     ends the run.
  /// - Returns: the value of the last layer, for every image.
  /// - Throws: `InputShapeError` where the network does not take such images, or what the observer throws.
  @discardableResult
  public func run(
    _ input: Activation, observer: (_ layer: Layer, _ value: Activation) throws -> Void
  ) throws -> Activation {
    try withoutActuallyEscaping(observer) { observer in
      try run(input) { node, value in
        let name = graph.nodes[node].name
        try observer(Layer(name: name, familyName: model.layerNames.name(of: name)), value)
      }
    }
  }

  /// What a layer is called.
  public struct Layer: Hashable, Sendable {
    /// The canonical name, such as `stage1.block1.norm1`.
    public let name: String

    /// The family's name, such as `conv2_block1_preact_bn`; `nil` where the family has no such layer.
    public let familyName: String?
  }

  private func run(
    _ input: Activation, observer: ((Int, Activation) throws -> Void)?
  ) throws -> Activation {
    let shapes = try graph.shapes(for: input.shape)
    let (largest, node) =
      zip(shapes.map(\.elementCount), graph.nodes).max { $0.0 < $1.0 } ?? (
        0, graph.nodes[0]
      )
    // Two of them at least are in memory at once. Swift's own containers end the program where it has none.
    let (bytes, overflow) = largest.multipliedReportingOverflow(
      by: 2 * MemoryLayout<Float>.stride)
    guard !overflow, MemoryProbe.canHave(bytes) else {
      throw InputShapeError(tooLarge: input.shape, at: node.name, channels: inputShape[3])
    }
    return try executor.run(input, observer: observer)
  }

  // MARK: - Certificate

  /// Computes again what the file certifies: whether this machine computes what was compared when it was converted.
  ///
  /// - Returns: `nil` for a file without a certificate: one that is no `.rnw`, or was made and not converted.
  /// - Throws: `InputError` where the certificate certifies nothing.
  public func checkCertificate() throws(InputError) -> CertificateCheck? {
    guard let file = model.converted else { return nil }
    guard let certificate = try file.certificate(as: Certificate.self) else { return nil }
    return try CertificateCheck(certificate, of: path, with: executor)
  }

  /// Checks what an engine of your own computed of ``certifiedProbe()``, by what the file keeps of every layer.
  ///
  /// ```swift
  /// let check = try network.checkActivations(contentsOf: "engine.npz")
  /// if let wrong = check?.firstWrong { print("\(wrong.name) is wrong: \(wrong.error)") }
  /// ```
  ///
  /// - Parameters:
  ///   - path: an archive (`.npz`, `.safetensors`) of arrays by the names of the layers, canonical or the family's.
  ///   - tolerance: by how much an engine may be off that computes in a coarser type than float32.
  /// - Returns: `nil` for a file that has no fingerprints, as it is no `.rnw`, was made, or converted before there were any.
  /// - Throws: `InputError` where either file cannot be read.
  public func checkActivations(
    contentsOf path: String, tolerance: Double = 0
  ) throws(InputError) -> FingerprintCheck? {
    guard let fingerprints = try model.converted?.fingerprints() else { return nil }
    let archive = try WeightFile.open(path, dictionary: nil)
    var activations: [String: TensorData] = [:]
    for array in archive.tensors where fingerprints.layer(named: array.name) != nil {
      activations[array.name] = try archive.tensor(named: array.name)
    }
    try archive.checkUnchanged()
    return fingerprints.check(activations, tolerance: tolerance)
  }

  /// The input that the file's certificate is for; `nil` for a file without one.
  ///
  /// - Throws: `InputError` where the certificate certifies nothing.
  public func certifiedProbe() throws(InputError) -> Activation? {
    guard let certificate = try model.converted?.certificate(as: Certificate.self) else {
      return nil
    }
    guard certificate.isPossible, let shape = certificate.probeShape else {
      throw InputError(
        .badData, path: path, "has a certificate that certifies nothing", place: "rnw.certificate")
    }
    return Activation.probe(certificate.probe, shape: shape)
  }
}
