package org.apache.spark.ordered

import java.{lang => jl}

import scala.collection.mutable

import org.apache.spark.TaskContext
import org.apache.spark.util.{AccumulatorV2, DoubleAccumulator}

/** A sum of doubles that is added up by stage and partition, each once.
  *
  * Spark merges what tasks added as they end, and once more when a task of a shuffle is run again. KMeans tells its
  * cost by such a sum, and GaussianMixture stops by one.
  */
private[ordered] class OrderedDoubleAccumulator extends DoubleAccumulator {

  private type Place = (Int, Int)

  // What this task, or the driver, added; and, at the driver, what tasks did.
  private var place: Place = (-1, -1)
  private var here = 0.0
  private var times = 0L
  private val tasks = mutable.TreeMap.empty[Place, (Double, Long)]

  override def isZero: Boolean = times == 0 && tasks.isEmpty

  override def reset(): Unit = {
    here = 0.0
    times = 0L
    tasks.clear()
  }

  /** Contract of both: an accumulator of this class, for the one is what tasks are sent. */
  override def copyAndReset(): OrderedDoubleAccumulator = new OrderedDoubleAccumulator

  override def copy(): OrderedDoubleAccumulator = {
    val made = new OrderedDoubleAccumulator
    made.place = place
    made.here = here
    made.times = times
    made.tasks ++= tasks
    made
  }

  override def add(v: jl.Double): Unit = add(v.doubleValue)

  override def add(v: Double): Unit = {
    if (times == 0) place = Option(TaskContext.get()).fold((-1, -1))(task => (task.stageId(), task.partitionId()))
    here += v
    times += 1
  }

  override def merge(other: AccumulatorV2[jl.Double, jl.Double]): Unit = other match {
    case that: OrderedDoubleAccumulator =>
      if (that.times > 0) tasks.getOrElseUpdate(that.place, (that.here, that.times))
      that.tasks.foreach { case (at, part) => tasks.getOrElseUpdate(at, part) }
    case _ => throw new UnsupportedOperationException(s"cannot merge ${other.getClass.getName}")
  }

  override def count: Long = tasks.valuesIterator.map(_._2).sum + times

  override def sum: Double = tasks.valuesIterator.foldLeft(here)((total, each) => total + each._1)

  override def avg: Double = sum / count

  override def value: jl.Double = sum
}
