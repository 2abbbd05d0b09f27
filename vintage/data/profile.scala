package vintage.data

import java.nio.charset.StandardCharsets
import java.time.LocalDate
import java.util

import org.apache.datasketches.frequencies.ItemsSketch
import org.apache.datasketches.hll.{HllSketch, TgtHllType, Union}
import org.apache.datasketches.kll.KllDoublesSketch
import org.apache.datasketches.memory.Memory

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate._
import org.apache.spark.sql.catalyst.util.TypeUtils
import org.apache.spark.sql.classic
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.UTF8String

/** SQL's aggregate `vintage_profile(column, …)`: a struct with the profile of each column, `c0`, `c1` and so on.
  *
  * One aggregate for all columns: those of Spark, five or six a column, are evaluated one by one for each row, and
  * planned and compiled anew for each table.
  *
  * Contract of `TypedImperativeAggregate`: a buffer per task that tells all of its rows; what merges them may come in
  * any order.
  */
case class RowProfile(children: Seq[Expression], mutableAggBufferOffset: Int = 0, inputAggBufferOffset: Int = 0)
    extends TypedImperativeAggregate[Array[ColumnProfile]] {

  @transient private lazy val columns = children.toArray
  @transient private lazy val states = StructType(columns.zipWithIndex.map { case (column, index) =>
    StructField(s"c$index", ColumnProfile(column.dataType).stateType, nullable = false)
  })

  override lazy val dataType: StructType = StructType(columns.zipWithIndex.map { case (column, index) =>
    StructField(s"c$index", ColumnProfile(column.dataType).resultType, nullable = false)
  })

  override def nullable: Boolean = false

  override def prettyName: String = RowProfile.NAME

  override def createAggregationBuffer(): Array[ColumnProfile] = columns.map(each => ColumnProfile(each.dataType))

  override def update(buffer: Array[ColumnProfile], input: InternalRow): Array[ColumnProfile] = {
    var index = 0
    while (index < columns.length) {
      buffer(index).add(columns(index).eval(input))
      index += 1
    }
    buffer
  }

  override def merge(buffer: Array[ColumnProfile], other: Array[ColumnProfile]): Array[ColumnProfile] = {
    for ((one, another) <- buffer.zip(other)) one.merge(another)
    buffer
  }

  override def eval(buffer: Array[ColumnProfile]): InternalRow = InternalRow.fromSeq(buffer.map(_.result).toSeq)

  override def serialize(buffer: Array[ColumnProfile]): Array[Byte] = {
    // Not compiled: it runs once a task.
    val written = InterpretedUnsafeProjection.createProjection(
      states.fields.zipWithIndex.map { case (field, index) => BoundReference(index, field.dataType, nullable = false) }.toSeq)
    written(InternalRow.fromSeq(buffer.map(_.state).toSeq)).getBytes
  }

  override def deserialize(bytes: Array[Byte]): Array[ColumnProfile] = {
    val row = new UnsafeRow(columns.length)
    row.pointTo(bytes, bytes.length)
    val made = createAggregationBuffer()
    for ((each, index) <- made.zipWithIndex) each.load(row.getStruct(index, each.stateType.length))
    made
  }

  override def withNewMutableAggBufferOffset(offset: Int): RowProfile = copy(mutableAggBufferOffset = offset)

  override def withNewInputAggBufferOffset(offset: Int): RowProfile = copy(inputAggBufferOffset = offset)

  override protected def withNewChildrenInternal(changed: IndexedSeq[Expression]): RowProfile = copy(children = changed)
}

object RowProfile {

  val NAME = "vintage_profile"

  /** Gives a session the aggregate, under its name. */
  def register(session: SparkSession): Unit =
    session.asInstanceOf[classic.SparkSession].sessionState.functionRegistry
      .createOrReplaceTempFunction(NAME, RowProfile(_), "scala_udf")
}

/** What a column's values look like: of every type, how many are null. */
private[data] class ColumnProfile {

  protected var nulls = 0L

  final def add(value: Any): Unit = if (value == null) nulls += 1 else seen(value)

  protected def seen(value: Any): Unit = ()

  def merge(other: ColumnProfile): Unit = nulls += other.nulls

  /** What a task hands over, and its type. */
  def state: InternalRow = InternalRow(nulls)
  def stateType: StructType = StructType(Seq(StructField("nulls", LongType)))
  def load(row: InternalRow): Unit = nulls = row.getLong(0)

  /** What SQL is told, and its type. */
  def result: InternalRow = InternalRow(nulls)
  def resultType: StructType = StructType(Seq(StructField("nulls", LongType)))
}

private[data] object ColumnProfile {

  val TOP = 100
  val TRACKED: Int = ApproxTopK.calMaxMapSize(ApproxTopK.DEFAULT_MAX_ITEMS_TRACKED)
  val SEED = 42L

  def apply(kind: DataType): ColumnProfile = kind match {
    case ByteType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XXH64.hashInt(value.asInstanceOf[Byte], SEED)
      override def number(value: Any): Double = value.asInstanceOf[Byte]
    }
    case ShortType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XXH64.hashInt(value.asInstanceOf[Short], SEED)
      override def number(value: Any): Double = value.asInstanceOf[Short]
    }
    case IntegerType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XXH64.hashInt(value.asInstanceOf[Int], SEED)
      override def number(value: Any): Double = value.asInstanceOf[Int]
    }
    case LongType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XXH64.hashLong(value.asInstanceOf[Long], SEED)
      override def number(value: Any): Double = value.asInstanceOf[Long].toDouble
    }
    case FloatType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XxHash64Function.hash(value, kind, SEED)
      override def number(value: Any): Double = value.asInstanceOf[Float]
    }
    case DoubleType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XxHash64Function.hash(value, kind, SEED)
      override def number(value: Any): Double = value.asInstanceOf[Double]
    }
    case _: DecimalType => new NumberProfile(kind) {
      override def hash(value: Any): Long = XxHash64Function.hash(value, kind, SEED)
      override def number(value: Any): Double = value.asInstanceOf[Decimal].toDouble
    }
    case TimestampType | TimestampNTZType => new MomentProfile(kind)
    case DateType | BooleanType | _: StringType => new RepeatedProfile(kind)
    case _ => new ColumnProfile
  }
}

/** A column whose values have an order: also the least and the greatest, and how many are different. */
private[data] abstract class OrderedProfile(kind: DataType) extends ColumnProfile {

  private val ordering = TypeUtils.getInterpretedOrdering(kind)
  protected var least: Any = _
  protected var greatest: Any = _
  protected var distinct = new HllSketch(HllSketch.DEFAULT_LG_K, TgtHllType.HLL_8)

  /** A value that outlives its row. */
  protected def kept(value: Any): Any = value match {
    case text: UTF8String => text.copy()
    case _ => value
  }

  protected final def order(value: Any): Unit = {
    if (least == null || ordering.lt(value, least)) least = kept(value)
    if (greatest == null || ordering.gt(value, greatest)) greatest = kept(value)
  }

  override def merge(other: ColumnProfile): Unit = {
    super.merge(other)
    val that = other.asInstanceOf[OrderedProfile]
    if (that.least != null) {
      order(that.least)
      order(that.greatest)
    }
    val union = new Union(HllSketch.DEFAULT_LG_K)
    union.update(distinct)
    union.update(that.distinct)
    distinct = union.getResult(TgtHllType.HLL_8)
  }

  override def state: InternalRow =
    InternalRow.fromSeq(super.state.toSeq(super.stateType) ++ Seq(least, greatest, distinct.toUpdatableByteArray))
  override def stateType: StructType =
    super.stateType.add("min", kind).add("max", kind).add("hll", BinaryType)
  override def load(row: InternalRow): Unit = {
    super.load(row)
    least = row.get(1, kind)
    greatest = row.get(2, kind)
    distinct = HllSketch.heapify(row.getBinary(3))
  }

  /** An end as the profile tells it. */
  protected def told(value: Any): Any = value
  protected def toldType: DataType = kind

  override def result: InternalRow = InternalRow.fromSeq(
    super.result.toSeq(super.resultType) ++ Seq(told(least), told(greatest), distinct.toUpdatableByteArray))
  override def resultType: StructType =
    super.resultType.add("min", toldType).add("max", toldType).add("hll", BinaryType)
}

/** A column of numbers: also their mean, standard deviation and quantiles. Different are those whose hash is. */
private[data] abstract class NumberProfile(kind: DataType) extends OrderedProfile(kind) {

  private val quantiles = KllDoublesSketch.newHeapInstance()
  private val waiting = new Array[Double](256)
  private var waits = 0
  private var count = 0L
  private var sum = 0.0
  private var mean = 0.0
  private var moment = 0.0

  protected def hash(value: Any): Long
  protected def number(value: Any): Double

  override protected def seen(value: Any): Unit = {
    order(value)
    distinct.update(hash(value))
    val x = number(value)
    count += 1
    sum += x
    // Welford: the sum of squares of what each differs from the mean.
    val delta = x - mean
    val part = delta / count
    mean += part
    moment += delta * (delta - part)
    if (!x.isNaN) {
      if (waits == waiting.length) flush()
      waiting(waits) = x
      waits += 1
    }
  }

  private def flush(): Unit = {
    if (waits > 0) quantiles.update(waiting, 0, waits)
    waits = 0
  }

  override def merge(other: ColumnProfile): Unit = {
    super.merge(other)
    val that = other.asInstanceOf[NumberProfile]
    flush()
    that.flush()
    quantiles.merge(that.quantiles)
    if (that.count > 0) {
      val all = count + that.count
      val delta = that.mean - mean
      val part = delta / all
      moment += that.moment + delta * part * count * that.count
      mean += part * that.count
      sum += that.sum
      count = all
    }
  }

  override def state: InternalRow = {
    flush()
    InternalRow.fromSeq(super.state.toSeq(super.stateType) ++ Seq(count, sum, mean, moment, quantiles.toByteArray))
  }
  override def stateType: StructType = super.stateType
    .add("count", LongType).add("sum", DoubleType).add("mean", DoubleType).add("moment", DoubleType).add("kll", BinaryType)
  override def load(row: InternalRow): Unit = {
    super.load(row)
    count = row.getLong(4)
    sum = row.getDouble(5)
    mean = row.getDouble(6)
    moment = row.getDouble(7)
    quantiles.merge(KllDoublesSketch.heapify(Memory.wrap(row.getBinary(8))))
  }

  override def result: InternalRow = {
    flush()
    val average = if (count > 0) sum / count else null
    val deviation = if (count > 1) math.sqrt(moment / (count - 1)) else null
    InternalRow.fromSeq(super.result.toSeq(super.resultType) ++ Seq(average, deviation, quantiles.toByteArray))
  }
  override def resultType: StructType =
    super.resultType.add("mean", DoubleType).add("std", DoubleType).add("kll", BinaryType)
}

/** A column of moments, in UTC where they have a zone. Different are those whose texts are. */
private[data] class MomentProfile(kind: DataType) extends OrderedProfile(kind) {

  private val text = new TextOf(kind)
  private val written = new Array[Byte](26)
  private var day = Long.MinValue

  override protected def seen(value: Any): Unit = {
    order(value)
    distinct.update(bytes(value.asInstanceOf[Long]))
  }

  /** As Spark writes them, which takes it ten times as long. */
  private def bytes(micros: Long): Array[Byte] = {
    val days = Math.floorDiv(micros, MomentProfile.DAY)
    if (days < MomentProfile.FIRST || days > MomentProfile.LAST) return text(micros).getBytes
    if (days != day) {
      val date = LocalDate.ofEpochDay(days).toString.getBytes(StandardCharsets.US_ASCII)
      System.arraycopy(date, 0, written, 0, date.length)
      day = days
    }
    val rest = Math.floorMod(micros, MomentProfile.DAY)
    val seconds = (rest / 1000000).toInt
    written(10) = ' '
    digits(11, seconds / 3600, 2)
    written(13) = ':'
    digits(14, seconds / 60 % 60, 2)
    written(16) = ':'
    digits(17, seconds % 60, 2)
    var fraction = (rest % 1000000).toInt
    if (fraction == 0) return util.Arrays.copyOf(written, 19)
    var places = 6
    while (fraction % 10 == 0) {
      fraction /= 10
      places -= 1
    }
    written(19) = '.'
    digits(20, fraction, places)
    util.Arrays.copyOf(written, 20 + places)
  }

  private def digits(at: Int, value: Int, places: Int): Unit = {
    var rest = value
    var place = at + places - 1
    while (place >= at) {
      written(place) = ('0' + rest % 10).toByte
      rest /= 10
      place -= 1
    }
  }

  // A moment is told in UTC; Python would tell it in the machine's zone.
  override protected def told(value: Any): Any = if (kind == TimestampType && value != null) text(value) else value
  override protected def toldType: DataType = if (kind == TimestampType) StringType else kind
}

private object MomentProfile {
  val DAY = 86400000000L
  /** The days whose years have four digits. */
  val FIRST: Long = LocalDate.of(1, 1, 1).toEpochDay
  val LAST: Long = LocalDate.of(9999, 12, 31).toEpochDay
}

/** A column whose values are few, as a rule: also the commonest of texts and of booleans.
  *
  * Each different value goes to the sketches once for many rows. Where they hardly repeat, each goes as it comes.
  */
private[data] class RepeatedProfile(kind: DataType) extends OrderedProfile(kind) {

  private val text = new TextOf(kind)
  private val counts = new util.LinkedHashMap[Any, Array[Long]]
  private var rows = 0L
  private var repeat = true
  private val top: ItemsSketch[Any] = kind match {
    case DateType => null
    case _ => new ItemsSketch[Any](ColumnProfile.TRACKED)
  }

  override protected def seen(value: Any): Unit = {
    if (repeat && isShort(value)) {
      rows += 1
      val found = counts.get(value)
      if (found != null) {
        found(0) += 1
      } else {
        if (counts.size == RepeatedProfile.MOST) {
          repeat = rows >= 4 * counts.size
          flush()
        }
        counts.put(kept(value), Array(1L))
      }
    } else account(value, 1)
  }

  private def flush(): Unit = {
    counts.forEach((value, count) => account(value, count(0)))
    counts.clear()
    rows = 0
  }

  private def isShort(value: Any): Boolean = value match {
    case text: UTF8String => text.numBytes <= RepeatedProfile.SHORT
    case _ => true
  }

  private def account(value: Any, count: Long): Unit = {
    order(value)
    val written = text(value)
    distinct.update(written.getBytes)
    if (top != null) top.update(if (kind == BooleanType) value else written.toString, count)
  }

  override def merge(other: ColumnProfile): Unit = {
    val that = other.asInstanceOf[RepeatedProfile]
    flush()
    that.flush()
    super.merge(that)
    if (top != null) top.merge(that.top)
  }

  override def state: InternalRow = {
    flush()
    val sketch = if (top == null) null else top.toByteArray(ApproxTopK.genSketchSerDe(kind))
    InternalRow.fromSeq(super.state.toSeq(super.stateType) :+ sketch)
  }
  override def stateType: StructType = super.stateType.add("top", BinaryType)
  override def load(row: InternalRow): Unit = {
    super.load(row)
    if (top != null) top.merge(ItemsSketch.getInstance(Memory.wrap(row.getBinary(4)), ApproxTopK.genSketchSerDe(kind)))
  }

  override def result: InternalRow = {
    flush()
    val commonest =
      if (top == null) None else Some(new ApproxTopKAggregateBuffer[Any](top, nulls).eval(ColumnProfile.TOP, kind))
    InternalRow.fromSeq(super.result.toSeq(super.resultType) ++ commonest)
  }
  override def resultType: StructType =
    if (top == null) super.resultType else super.resultType.add("top", ApproxTopK.getResultDataType(kind))
}

private object RepeatedProfile {
  /** How many different values are kept at a time, and of how many bytes each. */
  val MOST = 4096
  val SHORT = 256
}

/** A value's text as SQL casts it, in UTC. */
private class TextOf(kind: DataType) {
  private val row = new GenericInternalRow(1)
  private val cast = Cast(BoundReference(0, kind, nullable = false), StringType, Some("UTC"))

  def apply(value: Any): UTF8String = value match {
    case text: UTF8String => text
    case _ =>
      row.update(0, value)
      cast.eval(row).asInstanceOf[UTF8String]
  }
}
