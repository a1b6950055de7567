import Tensors

extension KerasOperation {
  /// The kinds of layers that only training does anything in.
  private static let trainingClasses: Set<String> = [
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
    "RandomContrast", "RandomBrightness",
  ]

  /// Reads what a layer computes.
  ///
  /// - Throws: `InputError` that names the layer, where it is of a kind or has an option that is not
  ///   understood: a guess would prove nothing.
  init(_ settings: LayerSettings) throws(InputError) {
    try settings.requireChannelsLast()
    switch settings.className {
    case "InputLayer": self = try Self.input(settings)
    case "ZeroPadding2D": self = try Self.zeroPadding(settings)
    case "Conv2D": self = try Self.convolution(settings)
    case "BatchNormalization": self = try Self.batchNorm(settings)
    case "Activation": self = .activation(try settings.function())
    case "ReLU": self = try Self.relu(settings)
    case "Softmax": self = try Self.softmax(settings)
    case "MaxPooling2D": self = .maxPool(try Self.window(settings))
    case "AveragePooling2D": self = .averagePool(try Self.window(settings))
    case "GlobalAveragePooling2D":
      self = .globalAverage(keepsImage: try settings.flag("keepdims", default: false))
    case "GlobalMaxPooling2D":
      self = .globalMaximum(keepsImage: try settings.flag("keepdims", default: false))
    case "Add": self = .add
    case "Dense":
      self = .dense(
        outputs: try settings.extent("units"),
        hasBias: try settings.flag("use_bias", default: true), function: try settings.function())
    case "Flatten": self = .flatten
    case "Rescaling":
      self = .rescaling(
        scale: try settings.numbers("scale", default: 1),
        offset: try settings.numbers("offset", default: 0))
    case let name where Self.trainingClasses.contains(name): self = .identity
    default:
      throw settings.fault("is of a class that its own graph cannot be run with")
    }
  }

  private static func input(_ settings: LayerSettings) throws(InputError) -> Self {
    guard
      let sizes = (settings.values["batch_shape"] ?? settings.values["batch_input_shape"])?
        .elements, sizes.count == 4,
      sizes.dropFirst().allSatisfy({ $0 == .null || ($0.integer ?? 0) > 0 })
    else {
      throw settings.fault("is no input of images", expected: "a batch_shape of four sizes")
    }
    return .input(height: sizes[1].integer, width: sizes[2].integer, channels: sizes[3].integer)
  }

  private static func zeroPadding(_ settings: LayerSettings) throws(InputError) -> Self {
    guard let padding = settings.values["padding"] else {
      throw settings.fault("lacks its padding")
    }
    if let rows = padding.elements, rows.count == 2, rows.contains(where: { $0.elements != nil }) {
      let (top, bottom) = try settings.pair(rows[0], "padding", from: 0)
      let (left, right) = try settings.pair(rows[1], "padding", from: 0)
      return .zeroPadding(top: top, bottom: bottom, left: left, right: right)
    }
    let (vertical, horizontal) = try settings.pair("padding", from: 0)
    return .zeroPadding(top: vertical, bottom: vertical, left: horizontal, right: horizontal)
  }

  private static func convolution(_ settings: LayerSettings) throws(InputError) -> Self {
    if !settings.isAbsent("dilation_rate"), try settings.pair("dilation_rate") != (1, 1) {
      throw settings.refusal(of: "dilation_rate")
    }
    if !settings.isAbsent("groups"), settings.values["groups"] != .integer(1) {
      throw settings.refusal(of: "number of groups")
    }
    let (height, width) = try settings.pair("kernel_size")
    return .convolution(
      .init(
        outputs: try settings.extent("filters"), height: height, width: width,
        stride: settings.isAbsent("strides") ? 1 : try settings.square("strides"),
        isSame: try settings.isSame(), hasBias: try settings.flag("use_bias", default: true),
        function: try settings.function()))
  }

  private static func batchNorm(_ settings: LayerSettings) throws(InputError) -> Self {
    let axis = settings.values["axis"]
    let axes = axis?.elements ?? [axis ?? .integer(-1)]
    guard axes.count == 1, let axis = axes[0].integer else {
      throw settings.refusal(of: "axis that is not one number")
    }
    guard try !settings.flag("renorm", default: false), settings.isAbsent("virtual_batch_size")
    else { throw settings.refusal(of: "renorm or virtual_batch_size") }
    let epsilon = try settings.number("epsilon", default: 1e-3)
    guard epsilon >= 0 else { throw settings.fault("has a negative epsilon") }
    return .batchNorm(
      .init(
        axis: axis, epsilon: epsilon, hasScale: try settings.flag("scale", default: true),
        hasShift: try settings.flag("center", default: true)))
  }

  private static func relu(_ settings: LayerSettings) throws(InputError) -> Self {
    guard settings.isAbsent("max_value") else { throw settings.refusal(of: "max_value") }
    for setting in ["negative_slope", "threshold"] {
      guard try settings.number(setting, default: 0) == 0 else {
        throw settings.refusal(of: setting)
      }
    }
    return .activation(.relu)
  }

  private static func softmax(_ settings: LayerSettings) throws(InputError) -> Self {
    guard settings.isAbsent("axis") || settings.values["axis"] == .integer(-1) else {
      throw settings.refusal(of: "axis that is not the last")
    }
    return .activation(.softmax)
  }

  private static func window(_ settings: LayerSettings) throws(InputError) -> Window {
    let size = try settings.square("pool_size")
    return Window(
      size: size, stride: settings.isAbsent("strides") ? size : try settings.square("strides"),
      isSame: try settings.isSame())
  }
}
