import Comparison
package import Families
import Files
import Images
package import Inference
import Reports
import ResNetV2
import Tensors
import WeightSources

/// The images that a network is run on, handed out one by one, so that memory does not grow with their
/// number.
package struct InputImages {
  /// How many images there are.
  package var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// The shape of one image as a batch, [1, H, W, C].
  var shape: Shape { Shape([1] + parts[0].shape.dimensions) }

  /// What each image is called: its file, with its number where the file has several.
  package var names: [String] {
    parts.flatMap { part in
      part.count == 1 ? [part.name] : (1...part.count).map { "\(part.name) \($0)" }
    }
  }

  /// What is to be said of where they were found.
  package let remarks: [String]

  private let parts: [Part]
  private let model: Model?
  private let filter: Preprocessing.Resize.Filter?
  private let range: ProbeRange
  private var position = (part: 0, image: 0)
  private var generator: SplitMix64?
  private var array: TensorData?

  /// Images that come from one place.
  private struct Part {
    let name: String
    let origin: Origin
    let count: Int
    /// [H, W, C].
    let shape: Shape
  }

  private enum Origin {
    case probe(seed: UInt64)
    case array(path: String)
    case image(path: String)
  }

  /// Finds the images of an argument, and checks that they fit the model, before any is read.
  ///
  /// - Parameter passesStrangers: whether files of a folder that are no inputs are passed over: for whoever tells ``remarks``.
  /// - Throws: `InputError` where a file holds no images that fit, or not all have one size.
  package init(_ argument: InputArgument, for model: Model, passesStrangers: Bool) throws {
    try self.init(
      argument, usual: model.usualInput, range: ProbeRange(model.graph.configuration.input),
      model: model, passesStrangers: passesStrangers)
  }

  /// Finds the images of an argument for a network of no known family.
  ///
  /// - Parameters:
  ///   - usual: the shape of one image that the network takes, [1, H, W, C].
  ///   - range: the values that it takes.
  init(_ argument: InputArgument, usual: Shape, range: ProbeRange) throws {
    try self.init(argument, usual: usual, range: range, model: nil, passesStrangers: false)
  }

  private init(
    _ argument: InputArgument, usual: Shape, range: ProbeRange, model: Model?,
    passesStrangers: Bool
  ) throws {
    self.model = model
    self.range = range
    switch argument {
    case .probe(let seed, let count):
      (filter, remarks) = (nil, [])
      parts = [
        Part(
          name: "probe:\(seed)", origin: .probe(seed: seed), count: count,
          shape: [usual[1], usual[2], usual[3]])
      ]
    case .path(let path, let filter):
      self.filter = filter
      let all = try InputFolder.files(at: path) ?? [(path, InputFolder.name(of: path))]
      let strangers =
        passesStrangers && all.first?.path != path
        ? all.filter { InputFolder.isStranger($0.path) } : []
      let files = all.filter { file in !strangers.contains { $0.path == file.path } }
      guard !files.isEmpty else {
        throw InputError(
          .badData, path: path, "holds no input", place: "arrays or images were expected")
      }
      remarks = InputFolder.remarks(passedOver: strangers.map(\.name), in: path)
      parts = try files.map {
        try Self.part($0.path, name: $0.name, channels: usual[3], model: model)
      }
      try Self.requireOneSize(parts, files.map(\.path))
    }
  }

  /// The file of the first array; `nil` where there is none among the images.
  package var firstArray: String? {
    parts.lazy.compactMap { part in
      if case .array(let path) = part.origin { path } else { nil }
    }.first
  }

  /// The next image as a batch of one; `nil` after the last.
  ///
  /// - Throws: `InputError` where it cannot be read.
  package mutating func next() throws -> Activation? {
    guard position.part < parts.count else { return nil }
    let part = parts[position.part]
    let image = position.image
    defer {
      position =
        image + 1 < part.count ? (position.part, image + 1) : (position.part + 1, 0)
      if position.image == 0 { (generator, array) = (nil, nil) }
    }
    let shape = Shape([1] + part.shape.dimensions)
    switch part.origin {
    case .probe(let seed):
      var numbers = generator ?? SplitMix64(seed: seed)
      defer { generator = numbers }
      return .probe(from: &numbers, shape: shape, range: range)
    case .array(let path):
      let all = try array ?? Self.tensor(at: path)
      array = all
      let values = all.floats(from: image * shape.elementCount, count: shape.elementCount)
      all.releasePages()
      let input = Activation(shape: shape, values: values)
      try input.requireFinite(path: path, firstImage: image)
      return input
    case .image(let path):
      let pixels = try ImageFile.read(MappedFile(path: path))
      // Without a model no image was taken.
      let values = try model?.prepare(pixels, filter, path: path) ?? []
      return Activation(shape: shape, values: values)
    }
  }

  /// All images that are left as one batch.
  package mutating func all() throws -> Activation {
    var values: [Float] = []
    var images = 0
    while let next = try next() {
      values += next.values
      images += 1
    }
    return Activation(shape: Shape([images] + parts[0].shape.dimensions), values: values)
  }

  // MARK: - What a file holds

  private static func part(
    _ path: String, name: String, channels: Int, model: Model?
  ) throws -> Part {
    let file = try MappedFile(path: path)
    if ImageFile.isImage(file) {
      guard channels == 3 else {
        throw InputError(
          .badData, path: path, "is a colour image", place: "the network takes \(channels) channels"
        )
      }
      guard let model else {
        throw InputError(
          .badData, path: path, "is an image, and the network does not say how it takes one",
          place: "an array (.npy, .npz) was expected")
      }
      if let size = model.oblongSize {
        throw InputError(
          .badData, path: path, "is an image, which would be made a square",
          place: "the network is for \(size.height)×\(size.width)",
          hint: "give an array of that size (.npy, .npz), with the values that the network takes")
      }
      let side = try model.resize(nil).crop
      return Part(name: name, origin: .image(path: path), count: 1, shape: [side, side, 3])
    }
    let info = try arrayInfo(in: arrays(file))
    let batch = info.shape.rank == 3 ? Shape([1] + info.shape.dimensions) : info.shape
    guard batch.rank == 4, batch[3] == channels, batch.elementCount > 0 else {
      let isFirst = batch.rank == 4 && batch[1] == channels
      throw InputError(
        .badData, path: path, "has the shape \(info.shape)",
        place: "images of N×H×W×\(channels) were expected",
        hint: isFirst
          ? "it looks like channels first: numpy's transpose(0, 2, 3, 1) turns it" : nil)
    }
    return Part(
      name: name, origin: .array(path: path), count: batch[0],
      shape: Shape(Array(batch.dimensions.dropFirst())))
  }

  private static func tensor(at path: String) throws -> TensorData {
    let source = try arrays(MappedFile(path: path))
    return try source.tensor(named: arrayInfo(in: source).name)
  }

  private static func arrays(_ file: MappedFile) throws -> any WeightSource {
    guard let source = try WeightFile.openArrays(file) else {
      throw InputError(
        .badData, path: file.path, "is no input",
        place: "an array (.npy, .npz) or an image (PNG, JPEG) was expected")
    }
    return source
  }

  private static func arrayInfo(in source: any WeightSource) throws -> TensorInfo {
    if source.tensors.count == 1 { return source.tensors[0] }
    guard let array = source.tensors.first(where: { $0.name == "input" }) else {
      throw InputError(
        .badData, path: source.path, "holds \(source.tensors.count) arrays and none named input",
        place: "one array, or one named input, was expected")
    }
    return array
  }

  private static func requireOneSize(_ parts: [Part], _ paths: [String]) throws {
    guard let first = parts.first else { return }
    for (part, path) in zip(parts, paths) where part.shape != first.shape {
      throw InputError(
        .badData, path: path, "has images of \(part.shape)",
        place: "those before it, from \(first.name), are of \(first.shape)")
    }
  }
}

extension Model {
  /// How an image gets the size that the network takes.
  ///
  /// - Parameter filter: instead of the one that the family uses.
  package func resize(_ filter: Preprocessing.Resize.Filter?) throws -> Preprocessing.Resize {
    let own = try preprocessing().resize
    guard var resize = own ?? family.preprocessing.resize else {
      throw InputError(
        .badData, path: source.path, "does not say how images are resized",
        hint: "give the images as an array (.npy)")
    }
    resize.filter = filter ?? resize.filter
    return resize
  }

  /// An image as the network takes it.
  fileprivate func prepare(
    _ image: PixelImage, _ filter: Preprocessing.Resize.Filter?, path: String
  ) throws -> [Float] {
    do {
      return try image.prepared(preprocessing(), resize(filter)).values
    } catch let error as UnfitImage {
      throw InputError(.badData, path: path, "is too narrow", place: error.description)
    }
  }
}
